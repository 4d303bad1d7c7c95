"""The asynchronous client."""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator, AsyncIterable, Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Final, Self, TypeVar, Unpack

import grpc
import numpy as np

from framewatch.v1 import framewatch_pb2 as pb
from framewatch.v1 import framewatch_pb2_grpc as pb_grpc
from framewatch_client._call_errors import call_error
from framewatch_client._channel import open_channel
from framewatch_client._closing import Closing
from framewatch_client._forks import register
from framewatch_client._images import to_message
from framewatch_client._inputs import label_set
from framewatch_client._sources.opening import without_password
from framewatch_client._streaming.exchange import StreamCall
from framewatch_client._streaming.link import Endpoint
from framewatch_client._streaming.reconnect import Backoff
from framewatch_client._streaming.stream import stream_frames
from framewatch_client.errors import InvalidResponse, InvalidType, InvalidValue
from framewatch_client.options import StreamKeywords, StreamOptions
from framewatch_client.types import ImageLike, LabelsLike, StreamItem
from framewatch_core.calls import Classification, Embeddings, Similarity, SimilarityMatrix
from framewatch_core.models import Model
from framewatch_core.stream.messages import StreamResult
from framewatch_wire.calls import (
    classification_from_proto,
    embeddings_from_proto,
    similarity_from_proto,
    similarity_matrix_from_proto,
)
from framewatch_wire.labels import label_set_to_proto
from framewatch_wire.models import models_from_proto

DEFAULT_ADDRESS: Final = "localhost:50051"
DEFAULT_TIMEOUT_S: Final = 30.0

T = TypeVar("T")

_BACKOFF = Backoff()


class AsyncFramewatchClient:
    """Calls a framewatch server from asyncio.

    After `os.fork` a child can use clients only if its parents have called none: else their calls raise ClientForked.

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
        """Creates the client of one server; it connects with its first call.

        Args:
            address: `HOST:PORT`.
            credentials: for TLS, such as `grpc.ssl_channel_credentials()`; None: no encryption.
            timeout_s: the longest time of a call in seconds, with its retries when the server is unavailable; for a
                stream, the longest time of its start.

        """
        self._address = address
        self._shown_address = without_password(address)
        self._credentials = credentials
        self._timeout_s = timeout_s
        self._channel: grpc.aio.Channel | None = None
        self._closing = Closing()

    async def __aenter__(self) -> Self:
        self._closing.check()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Ends the connection and all calls on it, which raise ClientClosed. The client can't be used any more."""
        self._closing.close()
        channel, self._channel = self._channel, None
        if channel is not None and self._closing.is_here:
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
            image: path, file's bytes, numpy array (BGR, as OpenCV returns it) or PIL image.
            labels: names, `Label`s or a `LabelSet`. Probabilities compare the labels with each other, so give one for
                "none of these" too.
            templates: sentences with `{label}`; None: the default `a photo of {label}`; empty: names verbatim.
            top_count: how many of the best labels to return; 0: all.
            model: one of the server's; empty: its default.

        Raises:
            FramewatchCallError: the server refused the call; ServerUnreachableError: no server answers.
            ClientClosed, ClientForked: the client was closed, or belongs to the parent of this process.
            InvalidType, InvalidValue, OSError: it is not an image, or can't be read.
            FramewatchError: the labels can't be used.

        """
        if top_count < 0:
            raise InvalidValue(f"top_count is {top_count}: expected 0 for all, or more")
        request = pb.ClassifyRequest(
            model=model,
            label_set=label_set_to_proto(label_set(labels, templates)),
            image=to_message(image),
            top_count=top_count,
        )
        answer = await self._unary(lambda stub: stub.Classify(request, timeout=self._timeout_s))
        return classification_from_proto(answer)

    async def label(
        self,
        image: ImageLike,
        labels: LabelsLike,
        *,
        templates: Sequence[str] | None = None,
        model: str = "",
    ) -> str:
        """Returns the name of the most probable label; for arguments and errors see `classify`."""
        return (await self.classify(image, labels, templates=templates, top_count=1, model=model)).label

    async def similarity(
        self, query: ImageLike, candidates: ImageLike | Sequence[ImageLike], *, model: str = ""
    ) -> Similarity:
        """Compares images with one image.

        Args:
            query: the image to compare with.
            candidates: a list or tuple of at least 1 image, or one image; at most the server's `max_images_per_call`
                (1024 if not set otherwise) with the query.
            model: one of the server's; empty: its default.

        Raises:
            FramewatchError, OSError: see `classify`.

        """
        request = pb.SimilarityRequest(model=model, query=to_message(query), candidates=_image_messages(candidates))
        answer = await self._unary(lambda stub: stub.Similarity(request, timeout=self._timeout_s))
        return similarity_from_proto(answer)

    async def similarities(
        self, queries: ImageLike | Sequence[ImageLike], candidates: ImageLike | Sequence[ImageLike], *, model: str = ""
    ) -> SimilarityMatrix:
        """Compares each of several images with each of others.

        Args:
            queries: a list or tuple of at least 1 image, or one image.
            candidates: likewise; together at most the server's `max_images_per_call` (1024 if not set otherwise).
            model: one of the server's; empty: its default.

        Raises:
            FramewatchError, OSError: see `classify`; InvalidResponse also if the server is too old for several queries.

        """
        rows, columns = _image_messages(queries), _image_messages(candidates)
        request = pb.SimilarityRequest(model=model, queries=rows, candidates=columns)
        answer = await self._unary(lambda stub: stub.Similarity(request, timeout=self._timeout_s))
        with _usable_response():
            return similarity_matrix_from_proto(answer, len(rows), len(columns))

    async def embed(
        self,
        images: ImageLike | Sequence[ImageLike] = (),
        texts: str | Sequence[str] = (),
        *,
        model: str = "",
    ) -> Embeddings:
        """Returns the embeddings of images and texts, for an index or a classifier of your own.

        Args:
            images: a list or tuple of images, or one image; at most the server's `max_images_per_call` (1024 if not set
                otherwise). One that can't be decoded fails the call; the error's `fields` name it.
            texts: texts or one text, used verbatim; at most 1000. Models were trained on sentences: "a photo of a dog"
                works better than "dog".
            model: one of the server's; empty: its default.

        Raises:
            FramewatchError, OSError: see `classify`.

        """
        messages = _image_messages(images)
        verbatim = [texts] if isinstance(texts, str) else list(texts)
        request = pb.EmbedRequest(model=model, images=messages, texts=verbatim)
        answer = await self._unary(lambda stub: stub.Embed(request, timeout=self._timeout_s))
        with _usable_response():
            return embeddings_from_proto(answer, image_count=len(messages), text_count=len(verbatim))

    async def list_models(self) -> tuple[Model, ...]:
        """Returns the models that the server has; the first is its default.

        Raises:
            FramewatchCallError: the server refused the call; ServerUnreachableError: no server answers.

        """
        request = pb.ListModelsRequest()
        return models_from_proto(await self._unary(lambda stub: stub.ListModels(request, timeout=self._timeout_s)))

    def stream(
        self,
        frames: Iterable[StreamItem] | AsyncIterable[StreamItem],
        labels: LabelsLike,
        **options: Unpack[StreamKeywords],
    ) -> AsyncGenerator[StreamResult, None]:
        """Watches frames: yields one FrameResult per frame, in the order sent, each followed by the events it caused.

        Closed early or cancelled, it cancels the call and releases the frames' source; use `contextlib.aclosing` where
        you leave the loop early. A plain iterable is read on a thread of its own, a frame at a time.

        A connection that is lost on the way is made anew, and the stream goes on from where it was: every frame still
        has one result and every event is emitted once, in order. For a program that may itself be lost, keep the
        `resume_point` of the last item that was dealt with, and give it to the next one's stream.

        Args:
            frames: images, `(image, time in seconds)`, `Frame`s, and `Reconfigure`s to watch for something else from
                there on. Give a time for every frame or for none: without it the time of arrival counts.
            labels: see `classify`.
            **options: each is described in the class that is named here.
                What to watch for, `WatchKeywords`: `rules`, `regions`, `health`, `templates`, `overflow`, `top_count`,
                `max_frame_rate`, `max_frame_gap_s`, `origin_time`, `model`, `change_threshold`, `max_reuse_age_s`.
                How to send frames, `SendKeywords`: `jpeg_quality`, `downscale`, `window`, `resume`,
                `reconnect_timeout_s`.
                Functions to call, `NotifyKeywords`: `on_started`, `on_reconnect`, `on_warning`.

        Raises:
            FramewatchError: at once: labels, rules or options that can't be used.
            FramewatchCallError: while iterating: the server ended the call, or ServerUnreachableError.
            ClientClosed: at once or while iterating: the client was closed.
            ClientForked: while iterating: this is a child of the process that the client was made in.
            Exception: while iterating: the source's errors, and those of `classify` for a frame that is not an image,
                after the results of the frames before it.

        """
        self._closing.check()
        checked = StreamOptions.of(options)
        config = checked.watch.config(labels)
        _check_source(frames)
        endpoint = Endpoint(self._shown_address, self._open_call, self._closing, self._timeout_s, _BACKOFF)
        return stream_frames(endpoint, frames, config, checked)

    def _open_call(self) -> StreamCall:
        call: StreamCall = self._stub().StreamFrames()
        register(call)
        return call

    async def _unary(self, call: Callable[[pb_grpc.ZeroShotServiceAsyncStub], Awaitable[T]]) -> T:
        with self._closing.ending():
            try:
                return await call(self._stub())
            except grpc.aio.AioRpcError as error:
                self._closing.check()
                raise call_error(error, self._shown_address) from error

    def _stub(self) -> pb_grpc.ZeroShotServiceAsyncStub:
        """Returns the stub; the channel is opened with the first call, since it belongs to the loop that runs then."""
        if self._channel is None:
            self._channel = open_channel(self._address, self._credentials)
            self._closing.begin()
        return pb_grpc.ZeroShotServiceStub(self._channel)


def _image_messages(images: ImageLike | Sequence[ImageLike]) -> list[pb.Image]:
    """Returns the messages of a list or tuple of images, or of one image, since arrays and bytes are sequences too."""
    many: list[Any] | tuple[Any, ...] = images if isinstance(images, list | tuple) else (images,)
    return [to_message(image) for image in many]


def _check_source(frames: object) -> None:
    """Raises InvalidType for one image or path in the place of frames: they can be iterated too, but not as meant."""
    if isinstance(frames, str | os.PathLike):
        raise InvalidType(
            f"frames is a path: open it with open_source({os.fspath(frames)!r}) and give the source that it returns"
        )
    if isinstance(frames, np.ndarray | bytes) or not isinstance(frames, Iterable | AsyncIterable):
        raise InvalidType(f"frames is {type(frames).__name__}: expected an iterable of images")


@contextmanager
def _usable_response() -> Iterator[None]:
    """Raises InvalidResponse for what the wire's conversion of a response raises."""
    try:
        yield
    except ValueError as error:
        raise InvalidResponse(str(error)) from error
