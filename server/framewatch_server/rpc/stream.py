"""The shell of StreamFrames: moves messages between gRPC, the session and the engine, and decides nothing.

    requests → _read → session → next_work → engine (decode, embed) → _finish → session → run → responses

One task reads; the coroutine that gRPC iterates, `run`, writes. Both wait for each other by way of the session alone:
the reader while the session accepts no frames, the writer while it has no outputs.
"""

from __future__ import annotations

import asyncio
import math
import time
import uuid
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass
from enum import Enum, auto
from typing import TypeAlias

from framewatch.v1 import framewatch_pb2 as pb
from framewatch_core.errors import MissingField, ServerDraining, ServerUnavailable, StreamTakenOver
from framewatch_core.images.image import Image
from framewatch_core.images.regions import least_shares
from framewatch_core.resume_point import ResumePoint
from framewatch_core.stream.config import OverflowPolicy, StreamConfig
from framewatch_core.stream.messages import Output, Started, StreamStarted
from framewatch_core.stream.results import FrameResult
from framewatch_core.stream.resume import StreamState
from framewatch_core.stream.session import SessionLimits, StreamSession
from framewatch_core.stream.shares import StreamShares
from framewatch_server.engine.jobs import Embedded, Job
from framewatch_server.engine.resume import ResumableStreams
from framewatch_server.engine.scorer import Scorer
from framewatch_server.engine.scoring_plan import ScoringPlan
from framewatch_server.rpc.frames_under_way import FrameJob, FramesUnderWay
from framewatch_server.rpc.large_frames import ScoreThread
from framewatch_server.rpc.reading.requests import RequestReader
from framewatch_server.rpc.resume_claim import ResumeClaim
from framewatch_wire.config import config_from_proto, resume_point_from_proto
from framewatch_wire.fields import under
from framewatch_wire.frames import frame_from_proto
from framewatch_wire.requests.parse import parsed
from framewatch_wire.responses import response_to_proto

SMALL_CONFIG_BYTES = 16 * 1024
"""Bytes of a config from which on it is converted on another thread than the event loop's: it may have 1000 rules."""

# gRPC's iterator would keep each request until the next one is asked for
Read: TypeAlias = Callable[[], Awaitable[object]]


@dataclass(frozen=True, slots=True, eq=False)
class StreamSurroundings:
    """The server's part in its streams.

    Attributes:
        find_scorer: returns the scorer of the model of that name, or raises.
        requests: converts requests, and counts the bytes of configs.
        score_thread: scores and writes frames with many scores.
        limits: bounds of each stream.
        shares: bounds on the bytes of all streams.
        check_config: raises LimitExceeded, with a path below the config, for one with too many scores.
        max_image_bytes: largest image, for the client to know.
        waiting_share: returns a stream's share, at least 1, of the frames that may wait over all streams.
        draining: set when streams are to end soon.
        resumable: the streams that others can take over.

    """

    find_scorer: Callable[[str], Scorer]
    requests: RequestReader
    score_thread: ScoreThread
    limits: SessionLimits
    shares: StreamShares
    check_config: Callable[[StreamConfig], None]
    max_image_bytes: int
    waiting_share: Callable[[Scorer, OverflowPolicy], int]
    draining: asyncio.Event
    resumable: ResumableStreams


class _Ending(Enum):
    """A way in which a stream ends; see `StreamShell`."""

    INPUT_CLOSED = auto()
    TAKEN_OVER = auto()
    FAULT = auto()
    CALL_OVER = auto()


class StreamShell:
    """A call of StreamFrames, and its lane of the engine.

    It ends in one of four ways, each by `_end`:

    | ending | cause | frames under way | the state is |
    | --- | --- | --- | --- |
    | INPUT_CLOSED | the client closes its side, a wrong request, the server drains | get their results | kept |
    | TAKEN_OVER | another stream resumes this one | are forgotten | the other stream's |
    | FAULT | an error of the session itself | are forgotten | lost |
    | CALL_OVER | everything is sent, or the client is gone | are forgotten | left to a stream that resumes |

    CALL_OVER follows each of the others.
    """

    def __init__(self, surroundings: StreamSurroundings) -> None:
        self._surroundings = surroundings
        self._session = StreamSession[Image, ScoringPlan](
            uuid.uuid4().hex, surroundings.limits, time.monotonic_ns(), surroundings.shares
        )
        self._frames = FramesUnderWay(self._session, surroundings.score_thread)
        self._claim = ResumeClaim(surroundings.resumable)
        self._reader: asyncio.Task[None] | None = None  # from `run` on
        self._has_output = asyncio.Event()  # wakes the writer; also set when the session has finished
        self._has_room = asyncio.Event()  # wakes the reader
        self._error: Exception | None = None  # raised by `run` once everything is sent
        self._is_answered = False  # everything is sent: the client has not lost the stream, as far as one knows

    # ---- writing ----

    async def run(self, read: Read) -> AsyncGenerator[pb.StreamFramesResponse | bytes]:
        """Answers the requests that `read` returns; large responses are serialised.

        Raises the error that ends the call, after all results are sent.
        """
        self._reader = asyncio.create_task(self._read(read), name="stream reader")
        drain = asyncio.create_task(self._stop_reading_when_draining(self._reader), name="stream drain")
        try:
            while not self._session.finished:
                output = self._session.next_output()
                self._advance()  # the output before is sent: there may be room
                if output is not None:
                    yield await self._to_response(output)
                elif not self._session.finished:
                    await self._has_output.wait()
                    self._has_output.clear()
            # streams that end because the server drains are lost for their clients, who are to resume them
            self._is_answered = not isinstance(self._error, ServerUnavailable)
            if self._error is not None:
                raise self._error
        finally:
            # gRPC closes the iteration without an error when the client goes away: nothing may run on
            drain.cancel()
            self._end(_Ending.CALL_OVER)
            await asyncio.gather(self._reader, drain, return_exceptions=True)
            # their tracebacks keep this stream
            self._reader = self._error = None

    async def _to_response(self, output: Output) -> pb.StreamFramesResponse | bytes:
        if isinstance(output, FrameResult):
            return await self._surroundings.score_thread.write(output)
        return response_to_proto(self._started(output) if isinstance(output, Started) else output)

    def _started(self, started: Started) -> StreamStarted:
        scorer, limits = self._session.plan.scorer, self._surroundings.limits
        return StreamStarted(
            model=scorer.info.name,
            config_version=started.config_version,
            useful_short_side=_useful_short_side(scorer, started.config),
            in_flight_frame_count=limits.running + limits.waiting,
            max_image_bytes=self._surroundings.max_image_bytes,
            resume_token=self._claim.token,
            resume_lifetime_ns=self._claim.lifetime_ns,
            resumed=started.resumed,
            weights_digest=scorer.info.weights_digest,
        )

    # ---- reading ----

    async def _read(self, read: Read) -> None:
        try:
            while isinstance(request := await read(), bytes):
                holder = [request]
                del request  # its image is copied out, and the wait for room may be long
                await self._take(holder)
                self._advance()
                await self._wait_for_room()
        except asyncio.CancelledError:
            if not self._surroundings.draining.is_set() or self._error is not None:
                raise
            draining = ServerDraining("the server is draining: open the stream again, at another server or later")
            self._end(_Ending.INPUT_CLOSED, draining)
        except Exception as error:
            self._end(_Ending.INPUT_CLOSED, error)
        else:
            self._end(_Ending.INPUT_CLOSED)

    async def _stop_reading_when_draining(self, reader: asyncio.Task[None]) -> None:
        await self._surroundings.draining.wait()
        reader.cancel()

    async def _take(self, holder: list[bytes]) -> None:
        """Takes the request that is alone in a list, and leaves the list empty."""
        arrival_ns = time.monotonic_ns()  # the image is copied only after it
        requests, size = self._surroundings.requests, len(holder[0])
        request = await requests.converted(holder, _parsed, size)
        match request.WhichOneof("request"):
            case "config":
                messages = [request.config]
                del request
                with requests.holding(size):
                    await self._configure(*await requests.converted(messages, _taken_config, size, SMALL_CONFIG_BYTES))
            case "frame":
                self._update_share()
                self._claim.confirm()
                self._session.receive(frame_from_proto(request.frame), arrival_ns)
            case "explain":
                self._session.explain()
            case _:
                raise MissingField("the message has neither config nor frame nor explain", "request")

    async def _configure(self, config: StreamConfig, kept: StreamConfig, point: ResumePoint | None) -> None:
        """Takes a config; `kept`: the same with keys of its examples, which are large."""
        scorer = self._surroundings.find_scorer(config.model)
        with under("config"):
            self._surroundings.check_config(config)
        # labels that can't be embedded end the call here, before it is answered and another stream is taken over
        with under("config.label_set"):
            plan, warnings = await ScoringPlan.make(scorer, config)
        if not self._claim.is_held:
            state = self._claim.begin(self, scorer.info.name, point)
            if state is not None and point is not None:
                self._session.take_over(state, point)
        placed = tuple(warning.under("config.label_set") for warning in warnings)
        self._session.configure(kept, plan, placed)

    def _update_share(self) -> None:
        """Takes account of the streams that have come and gone."""
        if (epoch := self._session.epoch) is not None:
            share = self._surroundings.waiting_share(epoch.plan.scorer, epoch.config.overflow_policy)
            self._session.share_waiting(share)

    async def _wait_for_room(self) -> None:
        while not self._session.accepts_frames:
            self._has_room.clear()
            await self._has_room.wait()

    # ---- scoring ----

    def next_work(self) -> Job | None:
        """Hands the next frame to the engine, when it is this stream's turn."""
        try:
            job = self._frames.start_next(self._finish)
        except Exception as error:
            self._end(_Ending.FAULT, error)
            return None
        self._has_room.set()
        return job

    def _finish(self, job: FrameJob, result: Embedded | Exception) -> None:
        try:
            self._frames.finish(job, result)
        except Exception as error:
            self._end(_Ending.FAULT, error)
        self._advance()

    # ---- the end ----

    def hand_over(self) -> StreamState:
        """Ends this stream: another one goes on with its state, since its client has lost this one."""
        self._end(
            _Ending.TAKEN_OVER,
            StreamTakenOver("another stream has taken over from this one with its resume token"),
        )
        return self._session.hand_over()

    def _end(self, ending: _Ending, error: Exception | None = None) -> None:
        """Ends the stream in one of its ways; `error`: the last one is raised by `run`."""
        self._error = error or self._error
        self._has_output.set()
        if ending is _Ending.INPUT_CLOSED:
            self._close_input()
            return
        self._frames.stop(self)
        if self._reader is not None:
            self._reader.cancel()
        if ending is _Ending.CALL_OVER:
            self._claim.leave(self._session.hand_over, is_lost=not self._is_answered)
            self._session.hand_over()  # also without a claim: what it holds is given back
            return
        self._claim.withdraw()
        if ending is _Ending.FAULT:
            self._session.break_off()

    def _close_input(self) -> None:
        try:
            self._session.close_input()
        except Exception as error:
            self._end(_Ending.FAULT, error)

    # ---- between reading, scoring and writing ----

    def _advance(self) -> None:
        """Asks for a turn if there is work, and wakes reader and writer if there is something for them."""
        self._frames.announce(self)
        if self._session.has_output or self._session.finished:
            self._has_output.set()
        self._has_room.set()


def _parsed(data: bytes) -> pb.StreamFramesRequest:
    return parsed(data, pb.StreamFramesRequest)


def _taken_config(message: pb.StreamConfig) -> tuple[StreamConfig, StreamConfig, ResumePoint | None]:
    """Returns a config, the same with keys of its examples, and the position from which the stream resumes."""
    point = resume_point_from_proto(message.resume) if message.HasField("resume") else None
    config = config_from_proto(message)
    return config, config.with_example_keys(), point


def _useful_short_side(scorer: Scorer, config: StreamConfig) -> int:
    """The frame's shorter side at which the smallest region has as many pixels as the model sees."""
    return math.ceil(scorer.useful_short_side / min(least_shares(config.viewed_regions)))
