"""Outcomes of frames."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import Enum, auto

from framewatch_core.errors import FramewatchError
from framewatch_core.health.monitor import HealthReport
from framewatch_core.health.problem import HealthProblem
from framewatch_core.images.regions import WHOLE_FRAME_ID
from framewatch_core.labels.scoring import LabelScore
from framewatch_core.resume_point import ResumePoint
from framewatch_core.time import NS_PER_S


class FrameStatus(Enum):
    """Kinds of outcomes of a frame. UNKNOWN: an outcome of a later version that this one does not know."""

    SCORED = auto()
    DROPPED = auto()
    FAILED = auto()
    UNKNOWN = auto()


class DropReason(Enum):
    """Reasons for which frames are dropped; see `DropReason` in the .proto."""

    OVERFLOW = auto()
    FRAME_RATE_LIMIT = auto()


class FrameErrorReason(Enum):
    """Reasons for which frames can't be scored; see `FrameErrorReason` in the .proto."""

    EMPTY_IMAGE = auto()
    UNSUPPORTED_FORMAT = auto()
    UNDECODABLE_IMAGE = auto()
    IMAGE_TOO_LARGE = auto()
    INVALID_RAW_IMAGE = auto()
    OUT_OF_ORDER = auto()
    INTERNAL = auto()


@dataclass(frozen=True, slots=True)
class FrameError:
    """Error of a frame that could not be scored.

    Attributes:
        reason: stable name; None: one of a later version that this one does not know.
        message: sentence for people: what was wrong, what was expected and what to do.

    """

    reason: FrameErrorReason | None
    message: str

    @classmethod
    def of(cls, error: FramewatchError) -> FrameError:
        """Returns an error as frames report it; one whose reason only calls have is INTERNAL."""
        return cls(FrameErrorReason.__members__.get(error.reason, FrameErrorReason.INTERNAL), error.message)


@dataclass(frozen=True, slots=True)
class Timings:
    """The server's time for a request, in nanoseconds, and the batch that it was in.

    Attributes:
        decode_ns: decoding and preprocessing; of several images the sum, as of the next two.
        queue_ns: waiting for a decode thread and for the device.
        inference_ns: the run of the batch on the device.
        batch_size: images in the batch, of several images in the largest; 0: no batch was run.

    """

    decode_ns: int = 0
    queue_ns: int = 0
    inference_ns: int = 0
    batch_size: int = 0

    def __add__(self, other: Timings) -> Timings:
        """Timings of several images of one request: times add up, the largest batch counts."""
        return Timings(
            self.decode_ns + other.decode_ns,
            self.queue_ns + other.queue_ns,
            self.inference_ns + other.inference_ns,
            max(self.batch_size, other.batch_size),
        )

    @property
    def decode_s(self) -> float:
        """Decoding and preprocessing, in seconds."""
        return self.decode_ns / NS_PER_S

    @property
    def queue_s(self) -> float:
        """Waiting, in seconds."""
        return self.queue_ns / NS_PER_S

    @property
    def inference_s(self) -> float:
        """Runs of batches, in seconds."""
        return self.inference_ns / NS_PER_S


@dataclass(frozen=True, slots=True)
class RegionScores:
    """Scores of a region.

    Attributes:
        region_id: empty for the whole frame.
        scores: best first, at most the config's top_count.
        problem: the problem of the picture; None: there is none, it was not assessed, or it is one of a later version
            that this one does not know.
        suspended: True: the region's rules did not see these scores.

    """

    region_id: str
    scores: tuple[LabelScore, ...]
    problem: HealthProblem | None = None
    suspended: bool = False


@dataclass(frozen=True, slots=True)
class Scored:
    """The frame was scored.

    Attributes:
        regions: in the config's order; without regions one, the whole frame.
        timings: the server's time.
        reused_frame_id: the earlier frame whose embedding was scored; None: the frame's own was.

    """

    regions: tuple[RegionScores, ...]
    timings: Timings = field(default_factory=Timings)
    reused_frame_id: int | None = None

    def with_health(self, report: HealthReport) -> Scored:
        """Returns the same with the pictures' problems; a region that was not assessed has the whole frame's."""
        if not report.held and not any(report.problems.values()):
            return self
        return replace(self, regions=tuple(_with_health(region, report) for region in self.regions))


def _with_health(region: RegionScores, report: HealthReport) -> RegionScores:
    assessed_id = region.region_id if region.region_id in report.problems else WHOLE_FRAME_ID
    return replace(region, problem=report.problems[assessed_id], suspended=assessed_id in report.held)


@dataclass(frozen=True, slots=True)
class Dropped:
    """The frame was dropped: neither the model nor the rules saw it. `reason`: None: one that is not known here."""

    reason: DropReason | None


@dataclass(frozen=True, slots=True)
class Failed:
    """The frame could not be scored."""

    error: FrameError


Outcome = Scored | Dropped | Failed

_STATUSES = {Scored: FrameStatus.SCORED, Dropped: FrameStatus.DROPPED, Failed: FrameStatus.FAILED}


@dataclass(frozen=True, slots=True)
class FrameResult:
    """Outcome of a frame.

    Attributes:
        frame_id: the frame's number.
        time_ns: the frame's time since the origin, in nanoseconds.
        config_version: version of the config that counted for it; from 1.
        outcome: scored, dropped or failed; None: an outcome of a later version that this one does not know.
        resume_point: position of the stream after this result, for `stream(resume=...)`; set by clients. None: the
            server can't resume the stream.

    """

    frame_id: int
    time_ns: int
    config_version: int
    outcome: Outcome | None
    resume_point: ResumePoint | None = field(default=None, compare=False, repr=False)

    @property
    def time_s(self) -> float:
        """The frame's time since the origin, in seconds."""
        return self.time_ns / NS_PER_S

    @property
    def status(self) -> FrameStatus:
        """Kind of the outcome."""
        return FrameStatus.UNKNOWN if self.outcome is None else _STATUSES[type(self.outcome)]

    @property
    def regions(self) -> tuple[RegionScores, ...]:
        """SCORED: scores of each region, in the config's order; else empty."""
        return self.outcome.regions if isinstance(self.outcome, Scored) else ()

    @property
    def scores(self) -> tuple[LabelScore, ...]:
        """SCORED: the first region's scores, best first, as many as asked for; else empty."""
        regions = self.regions
        return regions[0].scores if regions else ()

    @property
    def best(self) -> LabelScore | None:
        """The first region's most probable label's score; None if the frame was not scored."""
        scores = self.scores
        return scores[0] if scores else None

    @property
    def timings(self) -> Timings | None:
        """SCORED: the server's time; else None."""
        return self.outcome.timings if isinstance(self.outcome, Scored) else None

    @property
    def reused_frame_id(self) -> int | None:
        """SCORED: the earlier frame whose embedding was scored; None: the frame's own was."""
        return self.outcome.reused_frame_id if isinstance(self.outcome, Scored) else None

    @property
    def drop_reason(self) -> DropReason | None:
        """DROPPED: the reason, if this version knows it; else None."""
        return self.outcome.reason if isinstance(self.outcome, Dropped) else None

    @property
    def error(self) -> FrameError | None:
        """FAILED: the error; else None."""
        return self.outcome.error if isinstance(self.outcome, Failed) else None
