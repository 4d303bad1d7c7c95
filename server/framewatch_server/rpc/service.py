"""The calls of ZeroShotService: requests to the engine and back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import aclosing, asynccontextmanager, contextmanager
from typing import Any, TypeVar

import grpc

from framewatch.v1 import framewatch_pb2 as pb
from framewatch.v1 import framewatch_pb2_grpc as pb_grpc
from framewatch_core.calls import Classification, SimilarityMatrix
from framewatch_core.errors import InvalidRequest, MissingField, ServerDraining, ServerStarting
from framewatch_core.images.image import Image
from framewatch_core.labels.labels import MAX_LABELS, MAX_PROMPT_CHARS, check_texts
from framewatch_core.labels.scoring import best_first
from framewatch_core.limits import ByteAccount, check_limit
from framewatch_core.stream.config import OverflowPolicy
from framewatch_core.stream.session import SessionLimits
from framewatch_server.config import ServerConfig
from framewatch_server.engine.models import Models
from framewatch_server.engine.resume import ResumableStreams
from framewatch_server.engine.scorer import Scorer
from framewatch_server.rpc.status import abort, public_error
from framewatch_server.rpc.stream import StreamShell, StreamSurroundings
from framewatch_wire.calls import classification_to_proto, embeddings_to_proto, similarity_to_proto
from framewatch_wire.fields import under
from framewatch_wire.images import image_from_proto, images_from_proto
from framewatch_wire.labels import label_set_from_proto
from framewatch_wire.models import models_to_proto

MAX_TEXTS = MAX_LABELS
"""Texts of one Embed call."""

_FEW_IMAGES = 4
"""Images that are copied out of a request in the event loop; more are copied on another thread."""

Context = grpc.aio.ServicerContext[Any, Any]
RequestT = TypeVar("RequestT")
ResponseT = TypeVar("ResponseT")


class _Gate:
    """A bound on the calls under way."""

    def __init__(self, calls: str, limit: str, maximum: int) -> None:
        """Sets a bound.

        Args:
            calls: name of the bounded calls, for the error.
            limit: name of the bound, for the error.
            maximum: calls under way at most.

        """
        self._calls = calls
        self._limit = limit
        self._maximum = maximum
        self.count = 0

    def share(self, of: int) -> int:
        """The part of so many things that each call under way may have; at least 1."""
        return max(1, of // max(1, self.count))

    @contextmanager
    def enter(self) -> Iterator[None]:
        """Counts a call for as long as the context lasts. Raises LimitExceeded."""
        check_limit(self._calls, limit=self._limit, maximum=self._maximum, actual=self.count + 1)
        self.count += 1
        try:
            yield
        finally:
            self.count -= 1


@asynccontextmanager
async def _answering(context: Context) -> AsyncIterator[None]:
    """The boundary where errors become statuses."""
    try:
        yield
    except Exception as error:
        await abort(context, public_error(error))


async def _images(messages: Sequence[pb.Image], field: str) -> dict[str, Image]:
    """Returns images by their paths; many are copied on another thread, so that streams go on meanwhile."""
    if len(messages) <= _FEW_IMAGES:
        return images_from_proto(messages, field)
    return await asyncio.to_thread(images_from_proto, messages, field)


class ZeroShotService(pb_grpc.ZeroShotServiceServicer):
    """Answers calls; before `use` and after `drain` with UNAVAILABLE."""

    def __init__(self, config: ServerConfig) -> None:
        self._config = config
        self._models: Models | None = None
        self._draining = asyncio.Event()
        self._streams = _Gate("streams at once", "max_streams", config.max_streams)
        self._call_bytes = ByteAccount("calls", "bytes of calls", "max_call_bytes", config.max_call_bytes)
        self._calls = _Gate("calls at once", "max_calls", config.max_calls)
        self._stream_surroundings = StreamSurroundings(
            find_scorer=self._scorer_for,
            limits=SessionLimits(running=config.stream_running_frames, waiting=config.stream_waiting_frames),
            max_image_bytes=config.max_image_bytes,
            waiting_share=self._waiting_share,
            draining=self._draining,
            resumable=ResumableStreams(config.resume_lifetime_s, config.max_resumable_streams),
        )

    @property
    def scorers(self) -> tuple[Scorer, ...]:
        """The scorers of the models that are loaded."""
        return () if self._models is None else tuple(self._models)

    def use(self, models: Models) -> None:
        """Begins to answer, with these models."""
        self._models = models

    def drain(self) -> None:
        """Refuses new calls; streams end as soon as every frame taken has its result."""
        self._draining.set()

    def under_way(self) -> dict[str, int]:
        """Returns how many calls of each kind are being answered."""
        return {"stream": self._streams.count, "unary": self._calls.count}

    def held_bytes(self) -> dict[str, tuple[int, int]]:
        """Returns the bytes that are held, and their limit, by kind."""
        return {account.kind: (account.held, account.maximum) for account in (self._call_bytes,)}

    def _scorer_for(self, model: str) -> Scorer:
        return self._loaded().find(model)

    def _loaded(self) -> Models:
        if self._draining.is_set():
            raise ServerDraining("the server is draining: try again, at another server or later")
        if self._models is None:
            raise ServerStarting("the server is still loading its models: try again")
        return self._models

    async def _answer(
        self, context: Context, call: Callable[[RequestT], Awaitable[ResponseT]], request: RequestT
    ) -> ResponseT:
        """Answers a unary call, unless too many are under way."""
        async with _answering(context):
            with self._calls.enter():
                return await call(request)
        raise AssertionError("answering returns or aborts")

    async def Classify(self, request: pb.ClassifyRequest, context: Context) -> pb.ClassifyResponse:  # noqa: N802
        """Scores one image against a set of labels."""
        return await self._answer(context, self._classify, request)

    async def _classify(self, request: pb.ClassifyRequest) -> pb.ClassifyResponse:
        scorer = self._scorer_for(request.model)
        if not request.HasField("label_set"):
            raise MissingField("the request has no label_set: give the labels to look for", "label_set")
        with under("label_set"):
            label_set = label_set_from_proto(request.label_set)
        with under("image"):
            image = image_from_proto(request.image)
        with under("label_set"):
            labels, warnings = await scorer.label_vectors(label_set)
        with under("image"):
            scores, timings = await scorer.score(image, labels)
        best = best_first(scores, request.top_count)
        placed = tuple(warning.under("label_set") for warning in warnings)
        return classification_to_proto(
            Classification(best, scorer.info.name, timings, placed, scorer.info.weights_digest)
        )

    async def Similarity(self, request: pb.SimilarityRequest, context: Context) -> pb.SimilarityResponse:  # noqa: N802
        """Compares one image, or several, with one or more others."""
        return await self._answer(context, self._similarity, request)

    async def _similarity(self, request: pb.SimilarityRequest) -> pb.SimilarityResponse:
        scorer = self._scorer_for(request.model)
        queries = await self._queries(request)
        if not request.candidates:
            raise MissingField("the request has no candidates: give at least one image to compare with", "candidates")
        self._check_images(len(queries) + len(request.candidates), "candidates")
        candidates = await _images(request.candidates, "candidates")
        similarities, timings = await scorer.similarities(queries, candidates)
        return similarity_to_proto(SimilarityMatrix(similarities, scorer.info.name, timings))

    async def _queries(self, request: pb.SimilarityRequest) -> dict[str, Image]:
        if not request.queries:
            with under("query"):
                return {"query": image_from_proto(request.query)}
        if request.HasField("query"):
            raise InvalidRequest("the request has both query and queries: leave one of them out", "queries")
        self._check_images(len(request.queries), "queries")
        return await _images(request.queries, "queries")

    def _check_images(self, count: int, field: str) -> None:
        maximum = self._config.max_images_per_call
        check_limit("images of the call", limit="max_images_per_call", maximum=maximum, actual=count, field=field)

    async def Embed(self, request: pb.EmbedRequest, context: Context) -> pb.EmbedResponse:  # noqa: N802
        """Returns the vectors of images and texts."""
        return await self._answer(context, self._embed, request)

    async def _embed(self, request: pb.EmbedRequest) -> pb.EmbedResponse:
        scorer = self._scorer_for(request.model)
        if not request.images and not request.texts:
            raise MissingField("the request has neither images nor texts: give at least one to embed", "images")
        self._check_images(len(request.images), "images")
        check_texts(request.texts, "texts", MAX_TEXTS, MAX_PROMPT_CHARS, InvalidRequest)
        images = await _images(request.images, "images")
        return embeddings_to_proto(await scorer.embed(images, list(request.texts)))

    async def ListModels(self, request: pb.ListModelsRequest, context: Context) -> pb.ListModelsResponse:  # noqa: N802
        """Lists the loaded models."""
        return await self._answer(context, self._list_models, request)

    async def _list_models(self, _: pb.ListModelsRequest) -> pb.ListModelsResponse:
        return models_to_proto([scorer.model for scorer in self._loaded()])

    async def StreamFrames(  # noqa: N802
        self,
        request_iterator: AsyncIterator[pb.StreamFramesRequest],  # noqa: ARG002 the stream reads by itself
        context: Context,
    ) -> AsyncGenerator[pb.StreamFramesResponse]:
        """Scores a stream of frames and emits its events."""
        async with _answering(context):
            with self._streams.enter():
                shell = StreamShell(self._stream_surroundings)
                async with aclosing(shell.run(context.read)) as responses:
                    async for response in responses:
                        yield response

    def _waiting_share(self, scorer: Scorer, policy: OverflowPolicy) -> int:
        """Returns how many frames one stream may let wait; live ones share two batches, so that no frame gets stale."""
        live = policy is OverflowPolicy.DROP_OLDEST
        return self._streams.share(2 * scorer.max_batch_size if live else self._config.waiting_frames)
