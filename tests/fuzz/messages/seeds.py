"""Valid requests, which mutations begin with, and the kept corpus: sequences of requests that broke the property once."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from framewatch.v1 import framewatch_pb2 as pb

CORPUS = Path(__file__).with_name("corpus")

REQUEST_TYPES: dict[str, type[Message]] = {
    "Classify": pb.ClassifyRequest,
    "Similarity": pb.SimilarityRequest,
    "Embed": pb.EmbedRequest,
    "ListModels": pb.ListModelsRequest,
    "StreamFrames": pb.StreamFramesRequest,
}


@dataclass(frozen=True)
class Sequence:
    """The requests of one call."""

    method: str
    requests: tuple[bytes, ...]

    def to_text(self) -> str:
        """Returns the method and the requests in base64, a line each."""
        return "\n".join([self.method, *(base64.b64encode(request).decode() for request in self.requests), ""])

    @classmethod
    def from_text(cls, text: str) -> Sequence:
        """Reads what `to_text` has written."""
        method, *lines = text.splitlines()
        return cls(method, tuple(base64.b64decode(line) for line in lines))


def corpus() -> dict[str, Sequence]:
    """Returns the kept sequences by their files' names."""
    return {path.name: Sequence.from_text(path.read_text()) for path in sorted(CORPUS.glob("*.txt"))}


def pictures() -> list[bytes]:
    """Returns small files: black, white, two coloured ones, and bytes that are none."""
    noise = np.random.default_rng(1).integers(0, 256, (12, 16, 3), dtype=np.uint8)
    planes = [np.zeros((12, 16, 3), np.uint8), np.full((12, 16, 3), 255, np.uint8), noise, noise[::-1].copy()]
    files = [cv2.imencode(".png" if i % 2 else ".jpg", plane)[1].tobytes() for i, plane in enumerate(planes)]
    return [*files, files[3][:60], b"\xff\xd8", b"GIF89a"]


def _image(index: int = 2) -> pb.Image:
    return pb.Image(encoded=pictures()[index])


def _raw() -> pb.Image:
    return pb.Image(raw=pb.RawImage(data=bytes(range(192)), width=8, height=8, pixel_format=pb.PIXEL_FORMAT_RGB24))


def _labels() -> pb.LabelSet:
    return pb.LabelSet(
        labels=[
            pb.Label(name="a", prompts=["a cat", "two cats"]),
            pb.Label(name="b", contrast_prompts=["nothing"], examples=[_image(2)], counter_examples=[_image(3)]),
        ],
        templates=pb.PromptTemplates(templates=["a photo of {label}", "{label}"]),
    )


def _config() -> pb.StreamConfig:
    regions = [pb.Region(id="left", width=0.5, height=1), pb.Region(id="right", x=0.5, width=0.5, height=1)]
    rules = [
        pb.EventRule(id="r", label="a", region_id="left", enter_at=0.4, exit_below=0.3, trail_count=3),
        pb.EventRule(
            label="b",
            region_id="right",
            score_kind=pb.SCORE_KIND_PRESENCE,
            enter_at=0.5,
            min_present=Duration(nanos=1),
            min_absent=Duration(seconds=1),
            cooldown=Duration(seconds=1),
            smoothing=Duration(seconds=2),
        ),
    ]
    return pb.StreamConfig(
        label_set=_labels(),
        rules=rules,
        regions=regions,
        overflow_policy=pb.OVERFLOW_POLICY_DROP_OLDEST,
        top_count=1,
        max_frame_rate=30,
        max_frame_gap=Duration(seconds=3),
        origin_time=Timestamp(seconds=1_700_000_000),
        health=pb.HealthPolicy(
            ignored=[pb.HEALTH_PROBLEM_BLURRED], frozen_after=Duration(seconds=2), settle_time=Duration(seconds=1)
        ),
        resume=pb.Resume(token="t", last_frame_id=3, last_event_id="e"),
        reuse=pb.Reuse(change_threshold=0.05, max_age=Duration(seconds=4)),
    )


def _plain_config() -> pb.StreamConfig:
    rules = [pb.EventRule(label="a", enter_at=0.1, trail_count=2), pb.EventRule(label="b", enter_at=0.7)]
    return pb.StreamConfig(label_set=pb.LabelSet(labels=[pb.Label(name="a"), pb.Label(name="b")]), rules=rules)


def frame(frame_id: int, picture: int = 2, seconds: int | None = None) -> pb.StreamFramesRequest:
    """Returns a frame of a stream."""
    time_offset = None if seconds is None else Duration(seconds=seconds)
    return pb.StreamFramesRequest(frame=pb.Frame(frame_id=frame_id, time_offset=time_offset, image=_image(picture)))


def configs() -> list[pb.StreamFramesRequest]:
    """Returns configs, one with every field and one with few."""
    return [pb.StreamFramesRequest(config=_config()), pb.StreamFramesRequest(config=_plain_config())]


def frames() -> list[pb.StreamFramesRequest]:
    """Returns what may follow a config: frames with pictures of every kind, and an explain."""
    raw = pb.StreamFramesRequest(frame=pb.Frame(frame_id=1, image=_raw()))
    return [*(frame(1, i, 1) for i in range(5)), raw, pb.StreamFramesRequest(explain=pb.Explain())]


def calls() -> dict[str, list[Message]]:
    """Returns requests of the unary calls by method."""
    return {
        "Classify": [
            pb.ClassifyRequest(image=_image(), label_set=_labels(), top_count=1),
            pb.ClassifyRequest(image=_raw(), label_set=pb.LabelSet(labels=[pb.Label(name="a")])),
        ],
        "Similarity": [
            pb.SimilarityRequest(query=_image(), candidates=[_image(3), _raw()]),
            pb.SimilarityRequest(queries=[_image(1), _image(2)], candidates=[_image(0)]),
        ],
        "Embed": [pb.EmbedRequest(images=[_image(), _raw()], texts=["a", "b"])],
        "ListModels": [pb.ListModelsRequest()],
    }
