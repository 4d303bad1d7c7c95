"""The shell of StreamFrames: moves messages between gRPC, the session and the scorer, and decides nothing."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import AsyncGenerator, AsyncIterable, Callable

from framewatch.v1 import framewatch_pb2 as pb
from framewatch_core.errors import MissingField, ServerDraining
from framewatch_core.frames import Event, FrameResult, Output, Started, StreamConfig
from framewatch_core.images import Image
from framewatch_core.session import SessionLimits, StreamSession, Work
from framewatch_server.engine.scorer import Scorer
from framewatch_server.rpc import wire
from framewatch_server.rpc.status import as_told


class StreamShell:
    """One call of StreamFrames."""

    def __init__(
        self,
        find_scorer: Callable[[str], Scorer],
        limits: SessionLimits,
        max_image_bytes: int,
        draining: asyncio.Event,
    ) -> None:
        """Sets up a stream.

        Args:
            find_scorer: gives the scorer of the model that the config names, or raises.
            limits: of the stream.
            max_image_bytes: told to the client.
            draining: set when the stream is to end soon.

        """
        self._find_scorer = find_scorer
        self._scorer: Scorer | None = None
        self._limits = limits
        self._max_image_bytes = max_image_bytes
        self._draining = draining
        self._session = StreamSession[Image](uuid.uuid4().hex, limits)
        self._started_ns = time.monotonic_ns()
        self._changed = asyncio.Event()  # something for the writer
        self._may_read = asyncio.Event()  # room for the reader
        self._scoring: set[asyncio.Task[None]] = set()
        self._end: Exception | None = None

    async def run(self, requests: AsyncIterable[pb.StreamFramesRequest]) -> AsyncGenerator[pb.StreamFramesResponse]:
        """Answers a stream of requests. Raises what ends the call, after every frame taken has its result."""
        reader = asyncio.create_task(self._read(requests), name="stream reader")
        drain = asyncio.create_task(self._stop_reading_when_draining(reader), name="stream drain")
        try:
            while not self._session.finished:
                while (output := self._session.next_output()) is not None:
                    self._pump()
                    yield self._to_response(output)
                if not self._session.finished:
                    await self._changed.wait()
                    self._changed.clear()
            if self._end is not None:
                raise self._end
        finally:
            # gRPC ends the iteration without a word when the client goes away: nothing may run on
            tasks = [reader, drain, *self._scoring]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _read(self, requests: AsyncIterable[pb.StreamFramesRequest]) -> None:
        try:
            async for request in requests:
                await self._take(request)
                self._pump()
                await self._wait_for_room()
        except asyncio.CancelledError:
            if not self._draining.is_set():
                raise
            self._end = ServerDraining("the server is draining: open the stream again, at another server or later")
        except Exception as error:
            self._end = error
        self._session.close_input()
        self._changed.set()

    async def _stop_reading_when_draining(self, reader: asyncio.Task[None]) -> None:
        await self._draining.wait()
        reader.cancel()

    async def _take(self, request: pb.StreamFramesRequest) -> None:
        match request.WhichOneof("request"):
            case "config":
                await self._configure(wire.to_config(request.config))
            case "frame":
                self._session.receive(wire.to_frame(request.frame), time.monotonic_ns() - self._started_ns)
            case _:
                raise MissingField("the message has neither config nor frame", "request")

    async def _configure(self, config: StreamConfig) -> None:
        scorer = self._find_scorer(config.model)
        # labels that can't be embedded end the call here, before anything is promised
        await scorer.text_matrix(config.label_set)
        self._session.configure(config)
        self._scorer = scorer

    async def _wait_for_room(self) -> None:
        while not self._session.accepts_frames:
            self._may_read.clear()
            await self._may_read.wait()

    def _pump(self) -> None:
        """Starts what may run, and wakes whoever waits for a change."""
        while self._scorer is not None and (work := self._session.next_work()) is not None:
            task = asyncio.create_task(self._score(self._scorer, work), name="frame")
            self._scoring.add(task)
            task.add_done_callback(self._scoring.discard)
        self._changed.set()
        self._may_read.set()

    async def _score(self, scorer: Scorer, work: Work[Image]) -> None:
        try:
            scores, timings = await scorer.score(work.image, work.config.label_set)
        except Exception as error:
            self._session.fail(work, as_told(error))
        else:
            self._session.complete(work, scores, timings)
        self._pump()

    def _to_response(self, output: Output) -> pb.StreamFramesResponse:
        match output:
            case FrameResult():
                return pb.StreamFramesResponse(result=wire.frame_result(output))
            case Event():
                return pb.StreamFramesResponse(event=wire.event(output))
            case Started():
                return pb.StreamFramesResponse(started=self._started(output))

    def _started(self, started: Started) -> pb.StreamStarted:
        scorer = self._find_scorer(started.config.model)
        return pb.StreamStarted(
            model=scorer.info.name,
            config_version=started.config_version,
            useful_short_side=scorer.useful_short_side,
            in_flight_frame_count=self._limits.running + self._limits.waiting,
            max_image_bytes=self._max_image_bytes,
        )
