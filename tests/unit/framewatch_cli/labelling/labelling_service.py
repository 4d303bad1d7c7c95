"""A fake server whose scores depend on the picture."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable

import cv2
import grpc
import numpy as np
from grpc_status import rpc_status

from framewatch.v1 import framewatch_pb2 as pb
from tests.unit.framewatch_client.fake_server import Context, FakeService, Requests, fault

BROKEN = b"broken"


class LabellingService(FakeService):
    """The brighter a picture, the more it is the first label: its probability is the mean brightness.

    Attributes:
        timeouts_s: how long calls of Classify may take.
        faults: ends a call for the picture of those bytes.
        most_at_once: calls of Classify that ran at the same time.
        expected: calls wait until there are so many; None: they don't.
        interrupt_at: this process gets Ctrl-C with so many calls.
        short_from: answers lack a score from so many pictures on; None: they never do.
        replaced_at: the models have other weights from so many calls of Classify on; None: they never do.
        meanwhile: done on another thread before the first call is answered; None: nothing.

    """

    def __init__(self) -> None:
        super().__init__()
        self.timeouts_s: list[float] = []
        self.faults = {BROKEN: fault(grpc.StatusCode.INVALID_ARGUMENT, "UNDECODABLE_IMAGE", "it is cut off", "image")}
        self.most_at_once = 0
        self.expected: int | None = None
        self.interrupt_at: int | None = None
        self.short_from: int | None = None
        self.replaced_at: int | None = None
        self.meanwhile: Callable[[], object] | None = None
        self._running = 0
        self._gate: asyncio.Event | None = None

    async def Classify(  # noqa: N802
        self, request: pb.ClassifyRequest, context: Context
    ) -> pb.ClassifyResponse:
        self.calls.append(request)
        self.timeouts_s.append(context.time_remaining())
        self._running += 1
        self.most_at_once = max(self.most_at_once, self._running)
        if len(self.calls) == self.interrupt_at:
            os.kill(os.getpid(), signal.SIGINT)
        if len(self.calls) == self.replaced_at:
            for model in self.models:
                model.weights_digest = "beef"
        await self._wait()
        if self.meanwhile is not None and len(self.calls) == 1:
            await asyncio.to_thread(self.meanwhile)
        self._running -= 1
        if (found := self.faults.get(request.image.encoded)) is not None:
            await context.abort_with_status(rpc_status.to_status(found))
        scores = self._scores(request.image.encoded, request.label_set, len(self.calls))
        weights = next((model.weights_digest for model in self.models if model.name == request.model), "")
        return pb.ClassifyResponse(scores=scores, model=request.model, warnings=self.warnings, weights_digest=weights)

    async def ListModels(  # noqa: N802
        self, request: pb.ListModelsRequest, context: Context
    ) -> pb.ListModelsResponse:
        del request, context  # and no call to remember: `calls` are those for pictures
        return pb.ListModelsResponse(models=self.models)

    async def _wait(self) -> None:
        if self.expected is None:
            return
        self._gate = self._gate or asyncio.Event()
        if self._running >= self.expected:
            self._gate.set()
        await self._gate.wait()

    async def StreamFrames(  # noqa: N802
        self, requests: Requests, context: Context
    ) -> AsyncIterator[pb.StreamFramesResponse]:
        self.configs.clear()
        async for response in super().StreamFrames(requests, context):
            yield response

    def _result(self, frame: pb.Frame) -> pb.StreamFramesResponse:
        if len(self.frames) == self.interrupt_at:
            os.kill(os.getpid(), signal.SIGINT)
        response = super()._result(frame)
        scores = self._scores(frame.image.encoded, self.configs[-1].label_set, len(self.frames))
        del response.result.scores.regions[0].scores[:]
        response.result.scores.regions[0].scores.extend(scores)
        if self.configs[-1].reuse.change_threshold and frame.frame_id % 2:
            response.result.scores.regions[0].reused_frame_id = frame.frame_id - 1
        return response

    def _scores(self, encoded: bytes, label_set: pb.LabelSet, picture_count: int) -> list[pb.LabelScore]:
        scores = brightness_scores(encoded, [label.name for label in label_set.labels])
        return scores[:-1] if self.short_from is not None and picture_count >= self.short_from else scores


def brightness_scores(encoded: bytes, names: list[str]) -> list[pb.LabelScore]:
    """Two labels' scores, the best first."""
    pixels = cv2.imdecode(np.frombuffer(encoded, np.uint8), cv2.IMREAD_GRAYSCALE)
    bright = float(pixels.mean()) / 255
    scores = [
        pb.LabelScore(label=name, probability=value, similarity=value / 2, presence=value)
        for name, value in zip(names, (bright, 1 - bright), strict=True)
    ]
    return sorted(scores, key=lambda score: -score.probability)
