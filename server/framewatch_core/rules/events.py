"""Events of rules, and the part that they share with health events."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum, auto

from framewatch_core.labels.scoring import LabelScore
from framewatch_core.resume_point import ResumePoint
from framewatch_core.time import NS_PER_S, Moment, utc_datetime


class EventKind(Enum):
    """Kinds of events of a rule."""

    ENTERED = auto()
    EXITED = auto()


class ExitReason(Enum):
    """Reasons of EXITED; see `ExitReason` in the .proto."""

    ABSENT = auto()
    RECONFIGURED = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamEvent:
    """Common part of events and health events.

    Attributes:
        at: the frame that completed the event.
        began: the frame at which it began.
        event_id: unique over all streams and servers; empty until the stream's session has numbered the event.
        origin_time_ns: wall time of frame time 0, in nanoseconds since the Unix epoch; None: the config has none.
        resume_point: position of the stream after this event, for `stream(resume=...)`; set by clients. None: the
            server can't resume the stream.

    """

    at: Moment
    began: Moment
    event_id: str = ""
    origin_time_ns: int | None = None
    resume_point: ResumePoint | None = field(default=None, compare=False, repr=False)

    @property
    def frame_id(self) -> int:
        """Number of the frame that completed the event."""
        return self.at.frame_id

    @property
    def time_s(self) -> float:
        """Frame time of `at`, in seconds."""
        return self.at.time_s

    @property
    def began_frame_id(self) -> int:
        """Number of the frame at which the event began."""
        return self.began.frame_id

    @property
    def began_time_s(self) -> float:
        """Frame time of `began`, in seconds."""
        return self.began.time_s

    @property
    def wall_time(self) -> datetime | None:
        """Wall time of `at` in UTC; None: the config has no origin_time, or it lies outside the years 1 to 9999."""
        return self._wall_time(self.at)

    @property
    def began_wall_time(self) -> datetime | None:
        """Wall time of `began` in UTC; None: the config has no origin_time, or it lies outside the years 1 to 9999."""
        return self._wall_time(self.began)

    def _wall_time(self, moment: Moment) -> datetime | None:
        if self.origin_time_ns is None:
            return None
        try:
            return utc_datetime(self.origin_time_ns + moment.time_ns)
        except OverflowError:
            return None


TRAIL_POINT_BYTES = 300
"""Bytes that a point of a trail takes in memory, rounded up; for limits on what is held."""


@dataclass(frozen=True, slots=True)
class TrailPoint:
    """A score that led to an event.

    Attributes:
        at: the frame.
        score: the frame's score, of the rule's kind.
        smoothed_score: the same after smoothing; without smoothing the same number.

    """

    at: Moment
    score: float
    smoothed_score: float

    @property
    def frame_id(self) -> int:
        """Number of the frame."""
        return self.at.frame_id

    @property
    def time_s(self) -> float:
        """Frame time in seconds."""
        return self.at.time_s


@dataclass(frozen=True, slots=True)
class EventTrail:
    """Scores that led to an event.

    Attributes:
        points: the rule's last scores up to the frame that completed the event, oldest first; at most `trail_count`.
            Held frames are not among them.
        runner_up: the best other label in that frame by probability; None: there is no other.
        enter_at: the rule's threshold of ENTERED.
        exit_below: the rule's threshold of EXITED.

    """

    points: tuple[TrailPoint, ...]
    runner_up: LabelScore | None
    enter_at: float
    exit_below: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Event(StreamEvent):
    """A label appeared or disappeared; all scores are smoothed, if the rule smooths.

    ENTERED and EXITED of a rule alternate, beginning with ENTERED. `began` is the first frame of the run that satisfied
    the rule, for EXITED the first one of the absence; with smoothing, the first one whose smoothed score did: a few
    half-lives after the label itself. A rule that a new config takes away, or gives another label, region or kind of
    score, while its label is present emits EXITED with RECONFIGURED at the first frame under that config; `began` is
    that frame too, and `score` the last one that the rule saw.

    Attributes:
        kind: ENTERED or EXITED.
        rule_id: id of the rule.
        label: the rule's label.
        region_id: id of the rule's region; empty for the whole frame.
        score: of the frame that completed the event, of the rule's kind.
        peak_score: the highest score since it began (ENTERED), or while it was present (EXITED).
        present_ns: EXITED: time from ENTERED's `began` to this one's; else None.
        sparse: True if, from the frame before `began` to `at`, two successive frames without held ones were further
            apart than max_frame_gap: it may have begun at any time between them.
        trail: scores that led to the event; None unless the rule asks for trails, and with RECONFIGURED.
        exit_reason: EXITED: its reason; None: one that this version does not know. ENTERED: None.

    """

    kind: EventKind
    rule_id: str
    label: str
    region_id: str = ""
    score: float = 0.0
    peak_score: float = 0.0
    present_ns: int | None = None
    sparse: bool = False
    trail: EventTrail | None = None
    exit_reason: ExitReason | None = None

    @property
    def present_s(self) -> float | None:
        """EXITED: how long the label was present, in seconds; else None."""
        return None if self.present_ns is None else self.present_ns / NS_PER_S
