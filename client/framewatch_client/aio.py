"""The asynchronous client."""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator, AsyncIterable, Awaitable, Callable, Iterable, Sequence
from datetime import datetime
from types import TracebackType
from typing import Any, Self, TypeVar

import grpc
import numpy as np

from framewatch.v1 import framewatch_pb2 as pb
from framewatch.v1 import framewatch_pb2_grpc as pb_grpc
from framewatch_client import _wire as wire
from framewatch_client import _wire_config as wire_config
from framewatch_client._channel import open_channel
from framewatch_client._images import to_message
from framewatch_client._inputs import label_set, stream_config
from framewatch_client._streaming.config_warnings import log_warning
from framewatch_client._streaming.exchange import StreamCall, closed_error
from framewatch_client._streaming.reconnect import Backoff
from framewatch_client._streaming.stream import StreamOptions, stream_frames
from framewatch_client.answers import Classification, ServerWarning, Similarity, SimilarityMatrix
from framewatch_client.embeddings import Embeddings, embeddings
from framewatch_client.errors import call_error
from framewatch_client.models import Model, models
from framewatch_client.types import (
    Event,
    FrameResult,
    ImageLike,
    LabelsLike,
    Reconnected,
    RegionLike,
    RuleLike,
    StreamItem,
    StreamStarted,
)
from framewatch_core.health.monitor import HealthPolicy
from framewatch_core.stream.messages import OverflowPolicy
from framewatch_core.stream.resume import ResumePoint

DEFAULT_ADDRESS = "localhost:50051"
DEFAULT_TIMEOUT_S = 30.0
DEFAULT_RECONNECT_TIMEOUT_S = 60.0

T = TypeVar("T")

_BACKOFF = Backoff()


class AsyncFramewatchClient:
    """Calls a framewatch server from asyncio.

    Example:
        >>> async with AsyncFramewatchClient("localhost:50051") as client:
        ...     print(await client.label("cat.png", ["a cat", "a dog"]))
        a cat

    """

    def __init__(
        self,
        address: str = DEFAULT_ADDRESS,
        *,
        credentials: grpc.ChannelCredentials | None = None,
        timeout_s: float = DEFAULT_TIMEOUT_S,
    ) -> None:
        """A client of one server.

        Args:
            address: `HOST:PORT`.
            credentials: for TLS, such as `grpc.ssl_channel_credentials()`; None: no encryption.
            timeout_s: how long a call may take, with its retries when the server is unavailable; for a stream, how long
                its start may take.

        """
        self._address = address
        self._credentials = credentials
        self._timeout_s = timeout_s
        self._channel: grpc.aio.Channel | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Ends the connection and all calls on it. The client can be used again: it connects anew."""
        channel, self._channel = self._channel, None
        if channel is not None:
            await channel.close()

    async def classify(
        self,
        image: ImageLike,
        labels: LabelsLike,
        *,
        templates: Sequence[str] | None = None,
        top_count: int = 0,
        model: str = "",
    ) -> Classification:
        """Scores an image against labels.

        Args:
            image: path, file's bytes, numpy array (BGR, as OpenCV gives it) or PIL image.
            labels: names, `Label`s or a `LabelSet`. Probabilities compare the labels with each other, so give one for
                "none of these" too.
            templates: sentences with `{label}`; None: the default `a photo of {label}`; empty: names verbatim.
            top_count: how many of the best labels to return; 0: all.
            model: one of the server's; empty: its default.

        Raises:
            FramewatchCallError: the server said no, or ServerUnreachableError: there is none.
            TypeError, ValueError, OSError: the image is none, or can't be read.
            FramewatchError: the labels can't be used.

        """
        request = pb.ClassifyRequest(
            model=model,
            label_set=wire_config.label_set_message(label_set(labels, templates)),
            image=to_message(image),
            top_count=top_count,
        )
        return wire.classification(await self._unary(lambda stub: stub.Classify(request, timeout=self._timeout_s)))

    async def label(
        self,
        image: ImageLike,
        labels: LabelsLike,
        *,
        templates: Sequence[str] | None = None,
        model: str = "",
    ) -> str:
        """The name of the most probable label; arguments and errors as in `classify`."""
        return (await self.classify(image, labels, templates=templates, top_count=1, model=model)).label

    async def similarity(
        self, query: ImageLike, candidates: ImageLike | Sequence[ImageLike], *, model: str = ""
    ) -> Similarity:
        """How much images resemble another.

        Args:
            query: the image to compare with.
            candidates: a list or tuple of at least 1 image, or one image; at most the server's `max_images_per_call`
                (1024 if not set otherwise) with the query.
            model: one of the server's; empty: its default.

        Raises:
            as `classify`.

        """
        request = pb.SimilarityRequest(model=model, query=to_message(query), candidates=_image_messages(candidates))
        return wire.similarity(await self._unary(lambda stub: stub.Similarity(request, timeout=self._timeout_s)))

    async def similarities(
        self, queries: ImageLike | Sequence[ImageLike], candidates: ImageLike | Sequence[ImageLike], *, model: str = ""
    ) -> SimilarityMatrix:
        """How much each of several images resembles each of others.

        Args:
            queries: a list or tuple of at least 1 image, or one image.
            candidates: likewise; together at most the server's `max_images_per_call` (1024 if not set otherwise).
            model: one of the server's; empty: its default.

        Raises:
            as `classify`; FramewatchCallError also if the server is too old to know several queries.

        """
        asked, others = _image_messages(queries), _image_messages(candidates)
        request = pb.SimilarityRequest(model=model, queries=asked, candidates=others)
        answer = await self._unary(lambda stub: stub.Similarity(request, timeout=self._timeout_s))
        return wire.similarity_matrix(answer, len(asked), len(others))

    async def embed(
        self,
        images: ImageLike | Sequence[ImageLike] = (),
        texts: str | Sequence[str] = (),
        *,
        model: str = "",
    ) -> Embeddings:
        """The vectors of images and texts, for an index or a classifier of one's own.

        Args:
            images: a list or tuple of images, or one image; at most the server's `max_images_per_call` (1024 if not set
                otherwise). One that can't be decoded fails the call, which names it.
            texts: texts or one text, used verbatim; at most 1000. Models are used to sentences: "a photo of a dog"
                works better than "dog".
            model: one of the server's; empty: its default.

        Raises:
            as `classify`.

        """
        asked = _image_messages(images)
        said = [texts] if isinstance(texts, str) else list(texts)
        request = pb.EmbedRequest(model=model, images=asked, texts=said)
        answer = await self._unary(lambda stub: stub.Embed(request, timeout=self._timeout_s))
        return embeddings(answer, image_count=len(asked), text_count=len(said))

    async def list_models(self) -> tuple[Model, ...]:
        """The models that the server has; the first is its default.

        Raises:
            FramewatchCallError: the server said no, or ServerUnreachableError: there is none.

        """
        request = pb.ListModelsRequest()
        return models(await self._unary(lambda stub: stub.ListModels(request, timeout=self._timeout_s)))

    def stream(
        self,
        frames: Iterable[StreamItem] | AsyncIterable[StreamItem],
        labels: LabelsLike,
        *,
        rules: Iterable[RuleLike] = (),
        regions: Iterable[RegionLike] = (),
        health: HealthPolicy | None = None,
        templates: Sequence[str] | None = None,
        overflow: OverflowPolicy = OverflowPolicy.BLOCK,
        top_count: int = 0,
        max_frame_rate: float | None = None,
        max_frame_gap_s: float | None = None,
        origin_time: datetime | None = None,
        model: str = "",
        change_threshold: float = 0.0,
        max_reuse_age_s: float | None = None,
        jpeg_quality: int | None = 90,
        downscale: bool = True,
        window: int | None = None,
        on_started: Callable[[StreamStarted], object] | None = None,
        resume: ResumePoint | None = None,
        reconnect_timeout_s: float | None = DEFAULT_RECONNECT_TIMEOUT_S,
        on_reconnect: Callable[[Reconnected], object] | None = None,
        on_warning: Callable[[ServerWarning], object] = log_warning,
    ) -> AsyncGenerator[FrameResult | Event, None]:
        """Watches frames: yields one FrameResult per frame, in the order sent, each followed by the Events it caused.

        Closed early or cancelled, it cancels the call and releases the frames' source; use `contextlib.aclosing` where
        you leave the loop early. A plain iterable is read on a thread of its own, a frame at a time.

        A connection that is lost on the way is made anew, and the stream goes on from where it was: every frame still
        has one result and every event is said once, in order. For a program that may itself be lost, keep the
        `resume_point` of the last item that was dealt with, and give it to the next one's stream.

        Args:
            frames: images, `(image, time in seconds)`, `Frame`s, and `Reconfigure`s to watch for something else from
                there on. Give a time for every frame or for none: without it the time of arrival counts.
            labels: as in `classify`.
            rules: when to say ENTERED and EXITED: `EventRule`s or their short form `box:0.8:0.5`; none: scores only.
            regions: parts of the frame that are scored by themselves, up to 64: `Region`s or their short form
                `left=0.06,0.28,0.17,0.62`; none: the whole frame.
            health: when pictures are not trusted; None: the default policy.
            templates: as in `classify`.
            overflow: what the server does with frames that come faster than it scores them: BLOCK slows the source,
                DROP_OLDEST keeps the delay bounded (for live sources).
            top_count: how many labels a result carries, best first; 0: all. Rules see all.
            max_frame_rate: frames a second in frame time above which the server drops some; None: no limit.
            max_frame_gap_s: the longest gap between scored frames that counts towards rules' minimum times; None: 10 s.
            origin_time: the wall time, with its zone, of frame time 0: events then carry wall times.
            model: one of the server's; empty: its default.
            change_threshold: a frame that differs by less than this from the last one that the model saw gets its
                scores, at next to no cost; 0 to 1, about 0.05 for most cameras. 0: only one that is the same file.
            max_reuse_age_s: the model sees a frame at least this often, in frame time; 0: every frame; None: 10 s.
            jpeg_quality: 1 to 100, of frames that are sent as JPEG: all that are pixels or had to be shrunk. None: raw.
            downscale: whether larger frames are shrunk to the size that the server says it needs.
            window: frames without a result at most; None: what the server says. Never more than that.
            on_started: called once with what the server answered to the config; not again after a reconnect.
            resume: where an earlier stream was lost: the `resume_point` of its last item. This one goes on from there
                if the server still has its state (for 60 s, if not set otherwise), else anew: `on_started` is told
                which. `frames` begin with the frame after `last_frame_id`, and are numbered on from it unless they have
                numbers.
            reconnect_timeout_s: for how long to try to reach the server again when the connection is lost, or the
                server drains; 0 or None: not at all. A stream that never started is not tried again.
            on_reconnect: called when the connection is back, with what the server answered: if it had lost the stream's
                state, `started.resumed` is False and rules have started anew.
            on_warning: called with what may not be as it was meant in a config, such as a label that the model reads
                only in part; once, also when the connection is lost on the way. By default the logger
                `framewatch_client` warns of it.

        Raises:
            FramewatchError, ValueError: at once: labels, rules or options that can't be used.
            FramewatchCallError: while iterating: the server ended the call, or ServerUnreachableError.
            What the source raises, and the errors of `classify` for a frame that is no image, after the results of the
                frames before it.

        """
        config = stream_config(
            labels,
            rules=rules,
            regions=regions,
            health=health,
            templates=templates,
            overflow=overflow,
            top_count=top_count,
            max_frame_rate=max_frame_rate,
            max_frame_gap_s=max_frame_gap_s,
            origin_time=origin_time,
            model=model,
            change_threshold=change_threshold,
            max_reuse_age_s=max_reuse_age_s,
        )
        _check_source(frames)
        options = StreamOptions(
            self._address,
            jpeg_quality,
            downscale,
            window,
            self._timeout_s,
            on_started,
            resume,
            reconnect_timeout_s,
            on_reconnect,
            on_warning,
            _BACKOFF,
        )
        return stream_frames(self._call_opener(), frames, config, options)

    def _call_opener(self) -> Callable[[], StreamCall]:
        """Opens a stream's calls. They share a channel: with the one that the first was on, the stream is closed."""
        first_channel: grpc.aio.Channel | None = None

        def open_call() -> StreamCall:
            nonlocal first_channel
            if first_channel is not None and first_channel is not self._channel:
                raise closed_error()
            call = self._stub().StreamFrames()
            first_channel = self._channel
            return call

        return open_call

    async def _unary(self, call: Callable[[pb_grpc.ZeroShotServiceAsyncStub], Awaitable[T]]) -> T:
        try:
            return await call(self._stub())
        except grpc.aio.AioRpcError as error:
            raise call_error(error, self._address) from error

    def _stub(self) -> pb_grpc.ZeroShotServiceAsyncStub:
        """Made with the first call, since a channel belongs to the event loop that runs then."""
        if self._channel is None:
            self._channel = open_channel(self._address, self._credentials)
        return pb_grpc.ZeroShotServiceStub(self._channel)


def _image_messages(images: ImageLike | Sequence[ImageLike]) -> list[pb.Image]:
    """Of a list or tuple of images, or of one image: an array and bytes are sequences too, but not of images."""
    many: list[Any] | tuple[Any, ...] = images if isinstance(images, list | tuple) else (images,)
    return [to_message(image) for image in many]


def _check_source(frames: object) -> None:
    """Raises TypeError for one picture or path in the place of many: they can be iterated too, but not as meant."""
    if isinstance(frames, str | os.PathLike):
        raise TypeError(f"frames is a path: open it with open_source({os.fspath(frames)!r}) and give what that returns")
    if isinstance(frames, np.ndarray | bytes) or not isinstance(frames, Iterable | AsyncIterable):
        raise TypeError(f"frames is {type(frames).__name__}: expected an iterable of images")
