"""The calls of ZeroShotService: requests to the engine and back."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import ExitStack, aclosing
from typing import Any, TypeVar

import grpc
from google.protobuf.message import Message

from framewatch.v1 import framewatch_pb2 as pb
from framewatch_core.calls import Classification, SimilarityMatrix
from framewatch_core.errors import ClientNotReading, ServerDraining, ServerStarting
from framewatch_core.labels.label_scores import best_first
from framewatch_core.limits import ByteAccount, check_limit
from framewatch_core.stream.config import OverflowPolicy, StreamConfig
from framewatch_core.stream.session import SessionLimits
from framewatch_core.stream.shares import SharedBytes, StreamShares
from framewatch_core.stream.sizes import check_sizes
from framewatch_server.config import ServerConfig
from framewatch_server.engine.models import Models
from framewatch_server.engine.resume import ResumableStreams
from framewatch_server.engine.scorer import Scorer
from framewatch_server.rpc.gates import Gate, UnreadCalls
from framewatch_server.rpc.large_frames import ScoreThread
from framewatch_server.rpc.reading.requests import Context, Convert, RequestReader
from framewatch_server.rpc.sending import hold_until_sent, send_all
from framewatch_server.rpc.status import abort, answering
from framewatch_server.rpc.stream import StreamShell, StreamSurroundings
from framewatch_wire.calls import classification_to_proto, embeddings_to_proto, similarity_to_proto
from framewatch_wire.fields import under
from framewatch_wire.models import models_to_proto
from framewatch_wire.requests.calls import (
    ClassifyCall,
    EmbedCall,
    SimilarityCall,
    classify_from_proto,
    embed_from_proto,
    similarity_from_proto,
)
from framewatch_wire.requests.counts import counts_of
from framewatch_wire.requests.parse import parsed

SERVICE_NAME = pb.DESCRIPTOR.services_by_name["ZeroShotService"].full_name

CallT = TypeVar("CallT")
ResponseT = TypeVar("ResponseT")


class ZeroShotService:
    """Answers calls; before `use` and after `drain` with UNAVAILABLE. See `service_handler`."""

    def __init__(self, config: ServerConfig) -> None:
        self._config = config
        self._models: Models | None = None
        self._draining = asyncio.Event()
        self._streams = Gate("streams at once", "max_streams", config.max_streams)
        self._call_bytes = ByteAccount("calls", "bytes of calls", "max_call_bytes", config.max_call_bytes)
        self._counts = counts_of(config.max_images_per_call)
        self._requests = RequestReader(
            max_reading=config.max_reading_calls, timeout_s=config.reading_timeout_s, account=self._call_bytes
        )
        self._unread = UnreadCalls()
        self._calls = Gate("calls at once", "max_calls", config.max_calls)
        self._shares = StreamShares(
            waiting=SharedBytes(config.max_waiting_bytes, lambda: self._streams.count),
            unsent=SharedBytes(config.max_unsent_bytes, lambda: self._streams.count),
        )
        self._stream_surroundings = StreamSurroundings(
            find_scorer=self._scorer_for,
            requests=self._requests,
            score_thread=ScoreThread(),
            shares=self._shares,
            check_config=self._check_config,
            limits=SessionLimits(running=config.stream_running_frames, waiting=config.stream_waiting_frames),
            max_image_bytes=config.max_image_bytes,
            waiting_share=self._waiting_share,
            draining=self._draining,
            resumable=ResumableStreams(
                config.resume_lifetime_s, config.max_resumable_streams, config.max_resumable_bytes
            ),
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
        return {"stream": self._streams.count, "unary": self._calls.count, "unread": self._unread.count}

    def held_bytes(self) -> dict[str, tuple[int, int]]:
        """Returns the bytes that are held, and their limit, by kind."""
        waiting, unsent, resumable = self._shares.waiting, self._shares.unsent, self._stream_surroundings.resumable
        return {
            self._call_bytes.kind: (self._call_bytes.held, self._call_bytes.maximum),
            "waiting": (waiting.held, waiting.maximum),
            "unsent": (unsent.held, unsent.maximum),
            "resumable": (resumable.held_bytes, resumable.max_bytes),
        }

    def _scorer_for(self, model: str) -> Scorer:
        return self._loaded().find(model)

    def _loaded(self) -> Models:
        if self._draining.is_set():
            raise ServerDraining("the server is draining: try again, at another server or later")
        if self._models is None:
            raise ServerStarting("the server is still loading its models: try again")
        return self._models

    async def _answer(
        self, context: Context, convert: Convert[CallT], answer: Callable[[CallT], Awaitable[ResponseT]]
    ) -> ResponseT:
        """Answers a unary call, unless too many are under way; the bytes of its request count until then."""
        async with answering(context):
            self._loaded()
            self._unread.check(context.peer())
            with ExitStack() as held:
                held.enter_context(self._calls.enter())
                async with self._requests.call(context, convert) as call:
                    response = await answer(call)
                hold_until_sent(held.pop_all(), self._config.unread_timeout_s, self._unread, context.peer())
                return response
        raise AssertionError("answering returns or aborts")

    async def Classify(self, _: object, context: Context) -> pb.ClassifyResponse:  # noqa: N802
        """Scores one image against a set of labels."""
        return await self._answer(context, _take_classify, self._classify)

    async def _classify(self, call: ClassifyCall) -> pb.ClassifyResponse:
        scorer = self._scorer_for(call.model)
        with under("label_set"):
            check_limit(
                "scores (one of each label)",
                limit="max_scores_per_frame",
                maximum=self._config.max_scores_per_frame,
                actual=len(call.label_set.labels),
                field="labels",
            )
            labels, warnings = await scorer.label_vectors(call.label_set)
        with under("image"):
            scores, timings = await scorer.score(call.image, labels)
        best = best_first(scores, call.top_count)
        placed = tuple(warning.under("label_set") for warning in warnings)
        return classification_to_proto(
            Classification(tuple(best), scorer.info.name, timings, placed, scorer.info.weights_digest)
        )

    async def Similarity(self, _: object, context: Context) -> pb.SimilarityResponse:  # noqa: N802
        """Compares one image, or several, with one or more others."""
        return await self._answer(context, self._take_similarity, self._similarity)

    def _take_similarity(self, data: bytes) -> SimilarityCall:
        message = parsed(data, pb.SimilarityRequest, self._counts)
        del data  # it is large, and the images are copied out of the message
        return similarity_from_proto(message, self._counts)

    async def _similarity(self, call: SimilarityCall) -> pb.SimilarityResponse:
        scorer = self._scorer_for(call.model)
        similarities, timings = await scorer.similarities(call.queries, call.candidates)
        return similarity_to_proto(SimilarityMatrix(similarities, scorer.info.name, timings))

    async def Embed(self, _: object, context: Context) -> pb.EmbedResponse:  # noqa: N802
        """Returns the vectors of images and texts."""
        return await self._answer(context, self._take_embed, self._embed)

    def _take_embed(self, data: bytes) -> EmbedCall:
        message = parsed(data, pb.EmbedRequest, self._counts)
        del data
        return embed_from_proto(message, self._counts)

    async def _embed(self, call: EmbedCall) -> pb.EmbedResponse:
        scorer = self._scorer_for(call.model)
        return embeddings_to_proto(await scorer.embed(call.images, call.texts))

    async def ListModels(self, _: object, context: Context) -> pb.ListModelsResponse:  # noqa: N802
        """Lists the loaded models."""
        return await self._answer(context, _take_list_models, self._list_models)

    async def _list_models(self, _: pb.ListModelsRequest) -> pb.ListModelsResponse:
        return models_to_proto([scorer.model for scorer in self._loaded()])

    async def StreamFrames(self, _: object, context: Context) -> None:  # noqa: N802
        """Scores a stream of frames and emits its events."""
        not_reading = None
        with ExitStack() as place:
            async with answering(context):
                self._unread.check(context.peer())
                place.enter_context(self._streams.enter())
                try:
                    await self._stream(context)
                except ClientNotReading as error:
                    not_reading = error.with_traceback(None)
            if not_reading is not None:
                with self._unread.in_place_of(place.pop_all(), context.peer()):
                    await abort(context, not_reading)  # waits behind the responses until the client reads, or goes

    async def _stream(self, context: Context) -> None:
        shell = StreamShell(self._stream_surroundings)
        async with aclosing(shell.run(context.read)) as responses:
            await send_all(context, responses, self._config.unread_timeout_s)

    def _check_config(self, config: StreamConfig) -> None:
        check_sizes(config, self._config.max_scores_per_frame, self._config.max_result_bytes)

    def _waiting_share(self, scorer: Scorer, policy: OverflowPolicy) -> int:
        """Returns how many frames one stream may let wait; live ones share two batches, so that no frame gets stale."""
        live = policy is OverflowPolicy.DROP_OLDEST
        return self._streams.share(2 * scorer.max_batch_size if live else self._config.waiting_frames)


def _take_classify(data: bytes) -> ClassifyCall:
    message = parsed(data, pb.ClassifyRequest)
    del data
    return classify_from_proto(message)


def _take_list_models(data: bytes) -> pb.ListModelsRequest:
    return parsed(data, pb.ListModelsRequest)


def service_handler(service: ZeroShotService) -> grpc.GenericRpcHandler:
    """Returns the methods for a server: they are given raw bytes, and read the requests of calls by themselves."""
    handlers: dict[str, grpc.RpcMethodHandler[Any, Any]] = {
        "Classify": grpc.stream_unary_rpc_method_handler(service.Classify, None, _serialised),
        "Similarity": grpc.stream_unary_rpc_method_handler(service.Similarity, None, _serialised),
        "Embed": grpc.stream_unary_rpc_method_handler(service.Embed, None, _serialised),
        "ListModels": grpc.stream_unary_rpc_method_handler(service.ListModels, None, _serialised),
        "StreamFrames": grpc.stream_stream_rpc_method_handler(service.StreamFrames, None, _serialised),
    }
    return grpc.method_handlers_generic_handler(SERVICE_NAME, handlers)


def _serialised(message: Message | bytes) -> bytes:
    return message if isinstance(message, bytes) else message.SerializeToString()
