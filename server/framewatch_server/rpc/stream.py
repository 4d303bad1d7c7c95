"""The shell of StreamFrames: moves messages between gRPC, the session and the scorer, and decides nothing."""

from __future__ import annotations

import asyncio
import math
import time
import uuid
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass
from typing import TypeAlias

from framewatch.v1 import framewatch_pb2 as pb
from framewatch_core.errors import MissingField, ServerDraining, StreamTakenOver
from framewatch_core.images.image import Image
from framewatch_core.images.regions import least_shares
from framewatch_core.labels.scoring import LabelScore
from framewatch_core.labels.vectors import LabelVectors
from framewatch_core.stream.messages import (
    ConfigWarnings,
    Event,
    Explanation,
    FrameResult,
    Output,
    OverflowPolicy,
    Started,
    StreamConfig,
)
from framewatch_core.stream.resume import ResumePoint, StreamState
from framewatch_core.stream.session import SessionLimits, StreamSession, Work
from framewatch_core.time import NS_PER_S
from framewatch_server.engine.jobs import Embedded, Job
from framewatch_server.engine.resume import ResumableStreams, Ticket
from framewatch_server.engine.reuse import EmbeddingReuse
from framewatch_server.engine.scorer import Scorer
from framewatch_server.rpc import answers, requests
from framewatch_server.rpc.status import as_told
from framewatch_server.vision.pixels.view import View

# gRPC's iterator would keep each request until the next one is asked for
Read: TypeAlias = Callable[[], Awaitable[object]]


@dataclass(frozen=True, slots=True, eq=False)
class _Epoch:
    """What frames under a config are scored with."""

    labels: LabelVectors
    view: View


FrameWork: TypeAlias = Work[Image, _Epoch]


class _FrameJob(Job):
    """A frame's picture under way."""

    __slots__ = ("_finish", "work")

    def __init__(
        self,
        work: FrameWork,
        reuse: EmbeddingReuse[Job],
        finish: Callable[[_FrameJob, Embedded | Exception], None],
    ) -> None:
        view = work.context.view
        super().__init__(work.image, view, reuse)
        reuse.expect(self, work.config.reuse, work.moment, work.image, view)
        self.work = work
        self._finish = finish

    def done(self, result: Embedded | Exception) -> None:
        self._finish(self, result)


class StreamShell:
    """One call of StreamFrames; a lane of the scorer."""

    def __init__(
        self,
        find_scorer: Callable[[str], Scorer],
        limits: SessionLimits,
        max_image_bytes: int,
        waiting_share: Callable[[Scorer, OverflowPolicy], int],
        draining: asyncio.Event,
        resumable: ResumableStreams,
    ) -> None:
        """Sets up a stream.

        Args:
            find_scorer: gives the scorer of the model that the config names, or raises.
            limits: of the stream.
            max_image_bytes: told to the client.
            waiting_share: gives a stream's share, at least 1, of the frames that may wait over all streams.
            draining: set when the stream is to end soon.
            resumable: streams that this one can take over from; others can take over from this one.

        """
        self._find_scorer = find_scorer
        self._scorer: Scorer | None = None
        self._limits = limits
        self._max_image_bytes = max_image_bytes
        self._waiting_share = waiting_share
        self._draining = draining
        self._resumable = resumable
        self._ticket: Ticket | None = None  # from the first config on, until the state goes to another stream
        self._session = StreamSession[Image, _Epoch](uuid.uuid4().hex, limits)
        self._session.state.origin_ns = time.monotonic_ns()
        self._reader: asyncio.Task[None] | None = None
        self._changed = asyncio.Event()  # something for the writer
        self._may_read = asyncio.Event()  # room for the reader
        self._reuse = EmbeddingReuse[Job]()
        self._under_way: set[_FrameJob] = set()
        self._end: Exception | None = None

    async def run(self, read: Read) -> AsyncGenerator[pb.StreamFramesResponse]:
        """Answers the requests that `read` gives. Raises what ends the call, after every frame taken has its result."""
        self._reader = reader = asyncio.create_task(self._read(read), name="stream reader")
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
            self._stop_scoring()
            for task in (reader, drain):
                task.cancel()
            self._park()
            await asyncio.gather(reader, drain, return_exceptions=True)

    async def _read(self, read: Read) -> None:
        try:
            while isinstance(request := await read(), pb.StreamFramesRequest):
                await self._take(request)
                del request  # its picture was copied out, and the wait for room may be long
                self._pump()
                await self._wait_for_room()
        except asyncio.CancelledError:
            if not self._draining.is_set() or self._end is not None:
                raise
            self._end = ServerDraining("the server is draining: open the stream again, at another server or later")
        except Exception as error:
            self._end = error
        self._close_input()

    def _close_input(self) -> None:
        try:
            self._session.close_input()
        except Exception as error:
            self._break_off(error)
        self._changed.set()

    async def _stop_reading_when_draining(self, reader: asyncio.Task[None]) -> None:
        await self._draining.wait()
        reader.cancel()

    async def _take(self, request: pb.StreamFramesRequest) -> None:
        match request.WhichOneof("request"):
            case "config":
                await self._configure(requests.to_config(request.config), requests.to_resume_point(request.config))
            case "frame":
                self._update_share()
                if self._ticket is not None and self._ticket.former:
                    self._ticket = self._resumable.confirm(self._ticket)
                arrival_ns = time.monotonic_ns() - self._session.state.origin_ns
                self._session.receive(requests.to_frame(request.frame), arrival_ns)
            case "explain":
                self._session.explain()
            case _:
                raise MissingField("the message has neither config nor frame nor explain", "request")

    def _update_share(self) -> None:
        """Streams come and go."""
        if self._scorer is not None and (policy := self._session.overflow_policy) is not None:
            self._session.waiting_share = self._waiting_share(self._scorer, policy)

    async def _configure(self, config: StreamConfig, point: ResumePoint | None) -> None:
        scorer = self._find_scorer(config.model)
        # labels that can't be embedded end the call here, before anything is promised
        with requests.under("config.label_set"):
            labels, warnings = await scorer.label_vectors(config.label_set)
        if self._ticket is None:
            self._ticket = self._begin(scorer.info.name, point)
        self._session.configure(
            config.condensed(), _Epoch(labels, View(config.viewed_regions, assessed=config.judged_regions)), warnings
        )
        self._scorer = scorer

    def _begin(self, model: str, point: ResumePoint | None) -> Ticket:
        """Takes over from the stream that the client has lost, if there is one; says how to take over from this one."""
        if point is not None and (state := self._resumable.take(point.token, model)) is not None:
            self._session.take_over(state, point)
            return self._resumable.add(self, point.token)
        self._session.state.model = model
        return self._resumable.add(self)

    @property
    def state(self) -> StreamState:
        """What another stream would take over."""
        return self._session.state

    def hand_over(self) -> StreamState:
        """Ends this stream: another one goes on with its state, since its client has lost this one."""
        self._end = StreamTakenOver("another stream has taken over from this one with its resume token")
        self._stop_scoring()
        self._withdraw()
        self._changed.set()
        return self._session.hand_over()

    def _withdraw(self) -> None:
        """Takes nothing more in; no other stream can take over from this one."""
        if self._reader is not None:
            self._reader.cancel()
        if self._ticket is not None:
            self._resumable.remove(self._ticket)
            self._ticket = None

    def _park(self) -> None:
        """Leaves the state to a stream that may come for it."""
        if self._ticket is not None:
            self._resumable.end(self._ticket, self._session.hand_over())
            self._ticket = None

    async def _wait_for_room(self) -> None:
        while not self._session.accepts_frames:
            self._may_read.clear()
            await self._may_read.wait()

    def _pump(self) -> None:
        """Says that there may be work, and wakes whoever has something to do."""
        if self._scorer is not None and self._session.has_work:
            self._scorer.announce(self)
        if self._session.has_output or self._session.finished:
            self._changed.set()
        self._may_read.set()

    def next_work(self) -> Job | None:
        """Gives the scorer the next frame."""
        try:
            work = self._session.next_work()
            job = None if work is None else _FrameJob(work, self._reuse, self._finish)
        except Exception as error:
            self._break_off(error)
            self._changed.set()
            return None
        if job is not None:
            self._under_way.add(job)
            self._may_read.set()
        return job

    def _finish(self, job: _FrameJob, result: Embedded | Exception) -> None:
        self._under_way.discard(job)
        try:
            self._bring(job.work, result)
        except Exception as error:
            self._break_off(error)
        self._pump()

    def _bring(self, work: FrameWork, result: Embedded | Exception) -> None:
        """Brings the session a frame's scores, or what is wrong with it."""
        try:
            if isinstance(result, Exception):
                raise result  # noqa: TRY301 what is wrong with a frame is told in one place
            scores = self._scores(work.context, result)
        except Exception as error:
            self._session.fail(work, as_told(error))
        else:
            self._session.complete(work, scores, result.timings, result.pictures, result.reused_frame_id)

    def _break_off(self, error: Exception) -> None:
        """Ends the call after a fault of the session: it says what is out already, and nobody may go on from it."""
        self._end = error
        self._stop_scoring()
        self._withdraw()
        self._session.abandon()

    def _scores(self, context: _Epoch, embedded: Embedded) -> dict[str, tuple[LabelScore, ...]]:
        """The scores by region."""
        scorer = self._scorer_in_use()
        return {
            region.id: scorer.scores(context.labels, vector)
            for region, vector in zip(context.view.regions, embedded.vectors, strict=True)
        }

    def _scorer_in_use(self) -> Scorer:
        if self._scorer is None:
            msg = "there is a scorer from the first config on"
            raise AssertionError(msg)
        return self._scorer

    def _stop_scoring(self) -> None:
        if self._scorer is not None:
            self._scorer.retire(self)
        for job in self._under_way:
            job.cancel()
        self._under_way.clear()  # they know this stream: it would not go away

    def _to_response(self, output: Output) -> pb.StreamFramesResponse:
        match output:
            case FrameResult():
                return pb.StreamFramesResponse(result=answers.frame_result(output))
            case Event():
                return answers.event(output)
            case Explanation():
                return pb.StreamFramesResponse(explanation=answers.explanation(output))
            case ConfigWarnings():
                return pb.StreamFramesResponse(config_warnings=answers.config_warnings(output))
            case Started():
                return pb.StreamFramesResponse(started=self._started(output))

    def _started(self, started: Started) -> pb.StreamStarted:
        scorer = self._scorer_in_use()
        return pb.StreamStarted(
            model=scorer.info.name,
            config_version=started.config_version,
            useful_short_side=_useful_short_side(scorer, started.config),
            in_flight_frame_count=self._limits.running + self._limits.waiting,
            max_image_bytes=self._max_image_bytes,
            resume_token="" if self._ticket is None else self._ticket.token,
            resume_lifetime=answers.duration(round(self._resumable.lifetime_s * NS_PER_S)),
            resumed=started.resumed,
        )


def _useful_short_side(scorer: Scorer, config: StreamConfig) -> int:
    """The frame's shorter side at which the smallest region has what the model sees."""
    return math.ceil(scorer.useful_short_side / min(least_shares(config.viewed_regions)))
