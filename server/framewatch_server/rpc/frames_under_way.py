"""A stream's frames on their way through the engine: out of the session, and back into it as scores."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TypeAlias

from framewatch_core.images.image import Image
from framewatch_core.labels.scoring import LabelScore
from framewatch_core.stream.queueing import Lane
from framewatch_core.stream.session import StreamSession
from framewatch_core.stream.slots import Work
from framewatch_server.engine.jobs import Embedded, Job, Load
from framewatch_server.engine.reuse import EmbeddingReuse
from framewatch_server.engine.scorer import Scorer
from framewatch_server.engine.scoring_plan import ScoringPlan
from framewatch_server.rpc.large_frames import LARGE, LargeFrames, ScoreThread
from framewatch_server.rpc.status import frame_error

FrameWork: TypeAlias = Work[Image, ScoringPlan]


class FrameJob(Job):
    """A frame on its way through the engine.

    Attributes:
        work: the frame.
        scores: its scores, if it is a large one.

    """

    __slots__ = ("_finish", "_large", "scores", "work")

    def __init__(
        self,
        work: FrameWork,
        reuse: EmbeddingReuse[Job],
        large: LargeFrames,
        load: Load,
        finish: Callable[[FrameJob, Embedded | Exception], None],
    ) -> None:
        super().__init__(work.image, work.plan.view, reuse, load)
        reuse.expect(self, work.config.reuse, work.moment, work.image, work.plan.view)
        self.work = work
        self.scores: Mapping[str, Sequence[LabelScore]] | None = None
        self._large = large
        self._finish = finish

    def done(self, result: Embedded | Exception) -> None:
        """Passes the result to the stream; a large frame's is scored first."""
        if isinstance(result, Exception) or self.work.config.score_count < LARGE:
            self._finish(self, result)
        else:
            self._large.add(partial(self.work.plan.scores, result.vectors), partial(self._scored, result))

    def _scored(self, result: Embedded, found: Mapping[str, Sequence[LabelScore]] | Exception) -> None:
        if isinstance(found, Exception):
            self._finish(self, found)
        else:
            self.scores = found
            self._finish(self, result)


class FramesUnderWay:
    """The jobs of one stream; used from the event loop, as its session is.

    It doesn't keep the stream's shell, which is the lane: each would keep the other after the stream's end.
    """

    def __init__(self, session: StreamSession[Image, ScoringPlan], score_thread: ScoreThread) -> None:
        """Begins without frames.

        Args:
            session: the source of frames, to which their scores go back.
            score_thread: scores large frames.

        """
        self._session = session
        self._large = LargeFrames(score_thread)
        self._scorer: Scorer | None = None  # has the lane in its order of turns; a stream has one model
        self._reuse = EmbeddingReuse[Job]()
        self._jobs: set[FrameJob] = set()
        self._decode_ns = 0  # time that decoding takes, as the last frames have shown; 0: unknown

    def announce(self, lane: Lane[Job]) -> None:
        """Asks for a turn if a frame may be scored."""
        if self._session.has_work:
            self._scorer = self._session.plan.scorer
            self._scorer.announce(lane)

    def stop(self, lane: Lane[Job]) -> None:
        """Asks for no more turns, and cancels the frames that are under way."""
        if self._scorer is not None:
            self._scorer.retire(lane)
        for job in self._jobs:
            job.cancel()
        self._large.clear()
        self._jobs.clear()  # they keep the shell: it would live as long as they do

    def start_next(self, finish: Callable[[FrameJob, Embedded | Exception], None]) -> FrameJob | None:
        """Takes the next frame from the session; None: there is none now. Raises errors of the session itself.

        `finish`: called with the job and its result.
        """
        if (work := self._session.next_work()) is None:
            return None
        job = FrameJob(work, self._reuse, self._large, self._load(work), finish)
        self._jobs.add(job)
        return job

    def _load(self, work: FrameWork) -> Load:
        """The work that a frame makes: reused ones cost as much, as nobody knows of them yet."""
        decode_ns = self._decode_ns or Load.guessed_decode_ns(work.image)
        return Load.of(work.plan.view.input_count, decode_ns, work.config.score_count)

    def finish(self, job: FrameJob, result: Embedded | Exception) -> None:
        """Gives the session a frame's scores or its error. Raises errors of the session itself."""
        self._jobs.discard(job)
        self._decode_ns = max(job.decode_ns, self._decode_ns // 2)
        if isinstance(result, Exception):
            self._session.fail(job.work, frame_error(result))
            return
        try:
            scores = job.work.plan.scores(result.vectors) if job.scores is None else job.scores
        except Exception as error:
            self._session.fail(job.work, frame_error(error))
        else:
            self._session.complete(job.work, scores, result.timings, result.pictures, result.reused_frame_id)
