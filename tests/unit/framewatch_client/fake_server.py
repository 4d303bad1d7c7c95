"""A server with configurable answers that keeps its requests."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator

import cv2
import grpc
import numpy as np
import numpy.typing as npt
from google.protobuf import any_pb2
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status

from framewatch.v1 import framewatch_pb2 as pb
from framewatch.v1 import framewatch_pb2_grpc as pb_grpc

Requests = AsyncIterator[pb.StreamFramesRequest]
Context = grpc.aio.ServicerContext


class FakeService(pb_grpc.ZeroShotServiceServicer):
    """A service with configurable answers that keeps its requests.

    Attributes:
        hold: how many frames must wait before StreamFrames answers one, unless no more arrive.
        fail_after: how many results StreamFrames sends before it ends with `fault`; None: all.
        unembeddable: images with which Embed fails without naming them.
        embeds_left: how often Embed answers before it fails; None: always.
        hold_embeds: True: instead of failing, Embed never answers.
        waiting: set when the window is full of waiting frames, or when Embed has no answers left.
        ended: set when a StreamFrames call has ended.

    """

    def __init__(self) -> None:
        self.started = pb.StreamStarted(
            model="fake", config_version=1, useful_short_side=16, in_flight_frame_count=4, max_image_bytes=1_000_000
        )
        self.hold = 1
        self.fail_after: int | None = None
        self.fault: status_pb2.Status | None = None
        self.silent = False
        self.explanation = pb.Explanation()
        self.extra: list[pb.StreamFramesResponse] = []
        self.frames: list[pb.Frame] = []
        self.configs: list[pb.StreamConfig] = []
        self.calls: list[pb.ClassifyRequest | pb.SimilarityRequest | pb.EmbedRequest | pb.ListModelsRequest] = []
        self.warnings: list[pb.Warning] = []
        self.models = [fake_model()]
        self.unary_faults: list[grpc.StatusCode] = []
        self.unembeddable: set[bytes] = set()
        self.embeds_left: int | None = None
        self.hold_embeds = False
        self.waiting = threading.Event()
        self.ended = threading.Event()

    async def Classify(  # noqa: N802
        self, request: pb.ClassifyRequest, context: Context
    ) -> pb.ClassifyResponse:
        self.calls.append(request)
        await self._fail_unary(context)
        names = [label.name for label in request.label_set.labels]
        scores = [pb.LabelScore(label=name, probability=1 / 2**n, similarity=0.0) for n, name in enumerate(names, 1)]
        return pb.ClassifyResponse(scores=scores[: request.top_count or None], model="fake", warnings=self.warnings)

    async def Similarity(  # noqa: N802
        self, request: pb.SimilarityRequest, context: Context
    ) -> pb.SimilarityResponse:
        self.calls.append(request)
        await self._fail_unary(context)
        if request.queries:
            count = len(request.queries) * len(request.candidates)
            return pb.SimilarityResponse(similarities=[n / 8 for n in range(count)], model="fake")
        return pb.SimilarityResponse(similarities=[0.25] * len(request.candidates), model="fake")

    async def Embed(self, request: pb.EmbedRequest, context: Context) -> pb.EmbedResponse:  # noqa: N802
        """Embeds images as their mean colour, texts as the colours that they name."""
        self.calls.append(request)
        if self.embeds_left is not None:
            await self._count_embed(context)
        await self._fail_unary(context)
        if any(image.encoded in self.unembeddable for image in request.images):
            await context.abort_with_status(
                rpc_status.to_status(fault(grpc.StatusCode.INTERNAL, "INTERNAL", "no finite numbers"))
            )
        model = next((model for model in self.models if request.model in {"", model.name}), None)
        if model is None:
            no_model = fault(grpc.StatusCode.NOT_FOUND, "MODEL_NOT_FOUND", f"no model {request.model!r} is loaded")
            await context.abort_with_status(rpc_status.to_status(no_model))
        images = []
        for n, image in enumerate(request.images):
            pixels = cv2.imdecode(np.frombuffer(image.encoded, np.uint8), cv2.IMREAD_COLOR)
            if pixels is None:
                broken = fault(
                    grpc.StatusCode.INVALID_ARGUMENT, "UNSUPPORTED_FORMAT", "this is no image", f"images[{n}].encoded"
                )
                await context.abort_with_status(rpc_status.to_status(broken))
            images.append(unit(pixels.mean(axis=(0, 1))))
        texts = [unit([name in text for name in ("blue", "green", "red")]) for text in request.texts]
        return pb.EmbedResponse(
            model=model.name,
            dimension=3,
            image_vectors=b"".join(images),
            text_vectors=b"".join(texts),
            weights_digest=model.weights_digest,
            warnings=self.warnings,
        )

    async def _count_embed(self, context: Context) -> None:
        assert self.embeds_left is not None
        self.embeds_left -= 1
        if self.embeds_left < 0:
            self.waiting.set()
            if self.hold_embeds:
                await asyncio.Event().wait()
            await context.abort(grpc.StatusCode.INTERNAL, "as configured")

    async def ListModels(  # noqa: N802
        self, request: pb.ListModelsRequest, context: Context
    ) -> pb.ListModelsResponse:
        self.calls.append(request)
        await self._fail_unary(context)
        return pb.ListModelsResponse(models=self.models)

    async def _fail_unary(self, context: Context) -> None:
        if self.unary_faults:
            await context.abort(self.unary_faults.pop(0), "as configured")
        if self.fault is not None:
            await context.abort_with_status(rpc_status.to_status(self.fault))

    async def StreamFrames(  # noqa: N802
        self, requests: Requests, context: Context
    ) -> AsyncIterator[pb.StreamFramesResponse]:
        try:
            async for response in self._answers(requests):
                yield response
            if self.fault is not None:
                await context.abort_with_status(rpc_status.to_status(self.fault))
        finally:
            self.ended.set()

    async def _answers(self, requests: Requests) -> AsyncIterator[pb.StreamFramesResponse]:
        waiting: list[pb.Frame] = []
        answered = 0
        async for request in requests:
            if request.HasField("config"):
                for response in self._accept(request.config):
                    yield response
                continue
            if request.HasField("explain"):
                while waiting:
                    yield self._result(waiting.pop(0))
                yield pb.StreamFramesResponse(explanation=self.explanation)
                continue
            self.frames.append(request.frame)
            waiting.append(request.frame)
            if len(waiting) == self.started.in_flight_frame_count:
                self.waiting.set()
            while len(waiting) >= self.hold and self.fail_after != answered:
                yield self._result(waiting.pop(0))
                answered += 1
            if self.fail_after is not None and answered >= self.fail_after:
                return
        for frame in waiting:
            yield self._result(frame)

    def _accept(self, config: pb.StreamConfig) -> list[pb.StreamFramesResponse]:
        self.configs.append(config)
        if self.silent:
            return []
        found = pb.ConfigWarnings(config_version=len(self.configs), warnings=self.warnings)
        warned = [pb.StreamFramesResponse(config_warnings=found)] if self.warnings else []
        if len(self.configs) > 1:
            return warned
        return [pb.StreamFramesResponse(started=self.started), *warned, *self.extra]

    def _result(self, frame: pb.Frame) -> pb.StreamFramesResponse:
        result = pb.FrameResult(
            frame_id=frame.frame_id, time_offset=frame.time_offset, config_version=len(self.configs)
        )
        if frame.image.encoded == b"broken":
            result.error.reason = pb.FRAME_ERROR_REASON_UNDECODABLE_IMAGE
            result.error.message = "the bytes are broken"
        else:
            names = [label.name for label in self.configs[-1].label_set.labels]
            scores = [pb.LabelScore(label=name, probability=1 / 2**n) for n, name in enumerate(names, 1)]
            result.scores.regions.add(scores=scores)
        return pb.StreamFramesResponse(result=result)


class LossyService(FakeService):
    """A service whose first streams are lost.

    Attributes:
        losses: of each call that is lost, the number of its results and its status; -1: before it has started.
        resumed: the value of `resumed` in the answers to configs.

    """

    def __init__(self) -> None:
        super().__init__()
        self.losses: list[tuple[int, status_pb2.Status]] = []
        self.resumed = True
        self.calls_of_frames: list[list[pb.StreamFramesRequest]] = []

    async def StreamFrames(  # noqa: N802
        self, requests: Requests, context: Context
    ) -> AsyncIterator[pb.StreamFramesResponse]:
        number = len(self.calls_of_frames) + 1
        received: list[pb.StreamFramesRequest] = []
        self.calls_of_frames.append(received)
        self.fail_after, self.fault = self.losses.pop(0) if self.losses else (None, None)
        self.started.resume_token = f"token {number}"
        self.configs.clear()
        if self.fail_after == -1:
            received.append(await anext(aiter(requests)))
            await context.abort_with_status(rpc_status.to_status(self.fault))

        async def recorded() -> Requests:
            async for request in requests:
                received.append(request)
                self.started.resumed = bool(received[0].config.HasField("resume")) and self.resumed
                yield request

        async for response in super().StreamFrames(recorded(), context):
            yield response


def fake_model(name: str = "fake", weights_digest: str = "0123456789abcdef") -> pb.Model:
    """Returns a model with embeddings of dimension 3."""
    return pb.Model(
        name=name,
        family="clip",
        image_width=32,
        image_height=32,
        dimension=3,
        device="cpu",
        dtype="float32",
        engine="torch",
        score_function=pb.SCORE_FUNCTION_SOFTMAX,
        max_text_tokens=77,
        weights_digest=weights_digest,
        memory_bytes=5_000_000,
    )


def unit(values: npt.ArrayLike) -> bytes:
    """Returns the vector, normalised, as bytes of a response."""
    vector = np.asarray(values, dtype="<f4")
    return (vector / max(float(np.linalg.norm(vector)), 1e-9)).astype("<f4").tobytes()


def fault(code: grpc.StatusCode, reason: str, message: str, field: str = "", **metadata: str) -> status_pb2.Status:
    """Returns a google.rpc.Status as the server sends it."""
    status = status_pb2.Status(code=code.value[0], message=message)
    details = [error_details_pb2.ErrorInfo(reason=reason, domain="framewatch", metadata=metadata)]
    if field:
        violation = error_details_pb2.BadRequest.FieldViolation(field=field, description=message)
        details.append(error_details_pb2.BadRequest(field_violations=[violation]))
    for detail in details:
        packed = any_pb2.Any()
        packed.Pack(detail)
        status.details.append(packed)
    return status


async def start(service: FakeService) -> tuple[grpc.aio.Server, str]:
    """Serves on a free loopback port; returns the server and its address."""
    server = grpc.aio.server()
    pb_grpc.add_ZeroShotServiceServicer_to_server(service, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    return server, f"127.0.0.1:{port}"
