"""A server that answers as told, and remembers what it was asked."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator

import grpc
from google.protobuf import any_pb2
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status

from framewatch.v1 import framewatch_pb2 as pb
from framewatch.v1 import framewatch_pb2_grpc as pb_grpc

Requests = AsyncIterator[pb.StreamFramesRequest]
Context = grpc.aio.ServicerContext


class FakeService(pb_grpc.ZeroShotServiceServicer):
    """Answers as told, and remembers what it was asked.

    Attributes:
        hold: StreamFrames answers frames only when so many of them wait, or no more come.
        fail_after: it ends the stream with `fault` after so many results; None: never.
        waiting: set when as many frames wait as it said to be useful.
        ended: set when a StreamFrames call is over.

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
        self.calls: list[pb.ClassifyRequest | pb.SimilarityRequest] = []
        self.unary_faults: list[grpc.StatusCode] = []
        self.waiting = threading.Event()
        self.ended = threading.Event()

    async def Classify(  # noqa: N802
        self, request: pb.ClassifyRequest, context: Context
    ) -> pb.ClassifyResponse:
        self.calls.append(request)
        await self._fail_unary(context)
        names = [label.name for label in request.label_set.labels]
        scores = [pb.LabelScore(label=name, probability=1 / 2**n, similarity=0.0) for n, name in enumerate(names, 1)]
        return pb.ClassifyResponse(scores=scores[: request.top_count or None], model="fake")

    async def Similarity(  # noqa: N802
        self, request: pb.SimilarityRequest, context: Context
    ) -> pb.SimilarityResponse:
        self.calls.append(request)
        await self._fail_unary(context)
        return pb.SimilarityResponse(similarities=[0.25] * len(request.candidates), model="fake")

    async def _fail_unary(self, context: Context) -> None:
        if self.unary_faults:
            await context.abort(self.unary_faults.pop(0), "as told")
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
                self.configs.append(request.config)
                if len(self.configs) == 1 and not self.silent:
                    yield pb.StreamFramesResponse(started=self.started)
                    for response in self.extra:
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
    """Its streams are lost after so many results each, in turn; the others are not.

    Attributes:
        losses: results of each call, and what ends it; -1: before it has started.
        resumed: what each call says in `started`.

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
        seen: list[pb.StreamFramesRequest] = []
        self.calls_of_frames.append(seen)
        self.fail_after, self.fault = self.losses.pop(0) if self.losses else (None, None)
        self.started.resume_token = f"token {number}"
        self.configs.clear()
        if self.fail_after == -1:
            seen.append(await anext(aiter(requests)))
            await context.abort_with_status(rpc_status.to_status(self.fault))

        async def noted() -> Requests:
            async for request in requests:
                seen.append(request)
                self.started.resumed = bool(seen[0].config.HasField("resume")) and self.resumed
                yield request

        async for response in super().StreamFrames(noted(), context):
            yield response


def fault(code: grpc.StatusCode, reason: str, message: str, field: str = "", **metadata: str) -> status_pb2.Status:
    """A google.rpc.Status as the server sends it."""
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
    """Serves on a free loopback port; returns the address too."""
    server = grpc.aio.server()
    pb_grpc.add_ZeroShotServiceServicer_to_server(service, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    return server, f"127.0.0.1:{port}"
