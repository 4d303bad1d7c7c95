"""The server's settings, made once by the command line and passed on."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter
from cyclopts.validators import Number

from framewatch_server.vision.checkpoints.source import check_names

DEFAULT_MODEL = "openai/clip-vit-base-patch32@c237dc49a33fc61debc9276459120b7eac67e7ef"
"""The default model. Its main branch has no safetensors; this commit is the hub's own conversion (refs/pr/15), and is
pinned because any user may propose another."""


def _usable_cores() -> int:
    """Returns the number of cores that this process may use; in a container that is fewer than the machine has."""
    return len(os.sched_getaffinity(0))


Positive = Annotated[int, Parameter(validator=Number(gte=1))]
NotNegative = Annotated[int, Parameter(validator=Number(gte=0))]
PositiveSeconds = Annotated[float, Parameter(validator=Number(gt=0))]


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class ServerConfig:
    """Settings of `framewatch-server serve`; each is a flag and an environment variable `FRAMEWATCH_…`.

    Attributes:
        models: A Hugging Face hub id, a folder with a checkpoint (safetensors), or `demo`: the embedded demo model,
            which knows only a few rendered scenes. Give it several times for several models; requests name one, and
            the first is the default. NAME=MODEL sets the name that requests use, MODEL@REVISION pins a hub's revision.
        offline: Never use the network: models come from their folders or the hub's cache (HF_HOME).
        listen: HOST:PORT to listen on; port 0 picks a free one, see address_file.
        metrics_listen: HOST:PORT to answer `GET /metrics` on, in Prometheus' format; not at all by default.
        address_file: File to write the address into, as HOST:PORT, once the server serves.
        device: auto (CUDA if there is a GPU, else the CPU), or torch's name of a device, such as cpu or cuda:1.
        dtype: auto (bfloat16 where the processor computes in it natively, else float32), or one of the others; int8
            with OpenVINO only.
        engine: Library that runs the image tower: auto takes openvino if it is installed (extra `openvino`) and the
            device is a CPU, else torch.
        cache_dir: Folder for models in int8, which take minutes to make; the user's cache folder by default.
        quantisation_images_dir: Folder of at least 32 JPEG, PNG or WebP files of the scenes that the cameras see, to
            make int8 with; rendered scenes by default.
        jpeg_decode: reduced decodes large JPEGs at a fraction of their size where the model would not see more; full
            never does.
        max_batch_size: Images that the model takes at once; 16 on a CPU and 128 on CUDA by default.
        decode_threads: Threads that decode images; as many as there are cores by default.
        max_image_bytes: Largest image as sent.
        max_image_pixels: Largest image in pixels, checked before it is decoded.
        max_region_pixels: Pixels of a picture's regions together, as they are decoded; bounds the time that they take.
        max_decoded_bytes: Decoded pixels that all decode threads hold at once; a thread waits for room before it
            decodes, and a picture that needs more than all of it is decoded alone.
        max_message_bytes: Largest request with all its images.
        max_call_bytes: Bytes of the requests of Classify, Similarity and Embed under way, and of the configs of
            streams while they are taken; further ones are refused with RESOURCE_EXHAUSTED.
        max_reading_calls: Calls whose requests are read at once; gRPC holds each of these requests until it is whole.
            Further calls wait, and one address has at most half of the places.
        reading_timeout_s: Seconds that the request of a call may take to arrive, from when it is its turn, while other
            calls wait for theirs.
        unread_timeout_s: Seconds after which a stream ends whose client reads nothing, while something waits for it.
        max_images_per_call: Images of one Similarity or Embed call.
        max_streams: StreamFrames calls at once; further ones are refused with RESOURCE_EXHAUSTED.
        max_calls: Other calls at once; further ones are refused with RESOURCE_EXHAUSTED.
        stream_running_frames: Frames of one stream that are decoded or scored at once.
        stream_waiting_frames: Frames of one stream that wait for that.
        waiting_frames: Frames that wait, over all streams: with many streams, each one with the policy BLOCK reads
            fewer ahead. Of live streams (DROP_OLDEST) two batches wait in all, so that scored frames are fresh.
        text_cache_bytes: Cached text embeddings, for each model.
        image_cache_bytes: Cached vectors of the images of Classify, Similarity and Embed calls, for each model; a
            cached image costs nothing; 0: none.
        example_cache_bytes: Cached discriminants of example images, for each model.
        max_waiting_bytes: Images of frames that wait or run, over all streams. Each open stream has the same share; one
            that holds no frame may always take one.
        max_unsent_bytes: Outcomes and events that clients have not read, over all streams, shared in the same way.
        max_scores_per_frame: Labels of a stream times its regions, and labels of a Classify call.
        max_result_bytes: Largest result of a frame; gRPC's clients take 4 MiB unless they are configured otherwise.
        resume_lifetime_s: Seconds for which the state of an ended stream is kept, see Resume in the .proto; 0: not at
            all.
        max_resumable_streams: Such states. A further one replaces the oldest of a stream that was answered to its end,
            or else of one that was lost.
        max_resumable_bytes: Bytes of these states; likewise.
        hang_timeout_s: Seconds after which a thread that decodes, or runs the model, counts as hanging: health is then
            NOT_SERVING until it returns.
        drain_timeout_s: Seconds that calls may take to end after SIGTERM; threads that hang cost a few more.
        log_level: Least severe messages that are logged.
        log_format: console, json, or auto (console in a terminal, else json); logs go to standard error.

    """

    models: Annotated[tuple[str, ...], Parameter(name="--model", negative=(), show_default=" ".join)] = (DEFAULT_MODEL,)
    offline: bool = False
    listen: str = "127.0.0.1:50051"
    metrics_listen: str | None = None
    address_file: Path | None = None
    device: str = "auto"
    dtype: Literal["auto", "float32", "bfloat16", "float16", "int8"] = "auto"
    engine: Literal["auto", "torch", "openvino"] = "auto"
    cache_dir: Path | None = None
    quantisation_images_dir: Annotated[Path | None, Parameter(name="--quantisation-images")] = None
    jpeg_decode: Literal["reduced", "full"] = "reduced"
    max_batch_size: Positive | None = None
    decode_threads: Positive = field(default_factory=_usable_cores)
    max_image_bytes: Positive = 32 * 1024 * 1024
    max_image_pixels: Positive = 50_000_000
    max_region_pixels: Positive = 200_000_000
    max_decoded_bytes: Positive = 1024 * 1024 * 1024
    max_message_bytes: Positive = 64 * 1024 * 1024
    max_call_bytes: Positive = 512 * 1024 * 1024
    max_reading_calls: Positive = 32
    reading_timeout_s: PositiveSeconds = 60.0
    unread_timeout_s: PositiveSeconds = 60.0
    max_images_per_call: Positive = 1024
    max_streams: Positive = 256
    max_calls: Positive = 256
    stream_running_frames: Positive = 8
    stream_waiting_frames: Positive = 4
    waiting_frames: Positive = 256
    max_waiting_bytes: Positive = 512 * 1024 * 1024
    max_unsent_bytes: Positive = 256 * 1024 * 1024
    max_scores_per_frame: Positive = 16_384
    max_result_bytes: Positive = 4 * 1024 * 1024
    text_cache_bytes: Positive = 64 * 1024 * 1024
    image_cache_bytes: NotNegative = 64 * 1024 * 1024
    example_cache_bytes: Positive = 16 * 1024 * 1024
    resume_lifetime_s: Annotated[float, Parameter(validator=Number(gte=0))] = 60.0
    max_resumable_streams: Positive = 256
    max_resumable_bytes: Positive = 64 * 1024 * 1024
    hang_timeout_s: Annotated[float, Parameter(validator=Number(gt=0))] = 30.0
    drain_timeout_s: Annotated[float, Parameter(validator=Number(gte=0))] = 30.0
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["auto", "console", "json"] = "auto"

    def __post_init__(self) -> None:
        """Raises ModelLoadError if no model is given, or two have the same name."""
        check_names(self.models)
