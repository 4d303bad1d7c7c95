"""The state of a stream that outlives its connection, so that another stream can go on from where it was lost."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Self

from framewatch_core.health.events import HealthEvent
from framewatch_core.health.monitor import HealthMonitor, HealthPolicy
from framewatch_core.health.problem import HealthProblem
from framewatch_core.images.regions import MAX_REGIONS
from framewatch_core.rules.engine import RuleBook
from framewatch_core.rules.events import Event
from framewatch_core.stream.config import MAX_RULES, MAX_TRAIL_POINTS
from framewatch_core.stream.order import FrameOrder
from framewatch_core.stream.results import Outcome, RegionScores, Scored
from framewatch_core.stream.sizes import event_bytes, trail_length
from framewatch_core.time import Moment

MAX_KEPT_EVENTS = 2 * MAX_RULES + 2 * MAX_REGIONS + 1
"""Events that can be emitted again: as many as a single frame can cause, at which all rules are replaced by others."""

MAX_KEPT_TRAIL_POINTS = MAX_TRAIL_POINTS
"""Points in the trails of these events: as many as those of a single frame can have."""

MAX_RELEASED_FRAMES = 256
"""Frames whose results can have been lost without the order of those before them being forgotten."""

# Bytes that objects take, rounded up; see the test that compares them with what Python allocates
_STATE_BYTES = 4_096
_RELEASED_BYTES = 900
_MARKS_BYTES = 300
_MARK_BYTES = 64
_TEXT_BYTES = 80
_CHAR_BYTES = 4


@dataclass(frozen=True, slots=True)
class FrameMarks:
    """The health that a frame's outcome had: the problems of its regions, and those whose rules did not see it.

    Attributes:
        regions: hashes of the regions' ids, which may be long; empty: all regions were good and seen.
        problems: see `RegionScores`; one for each region.
        suspended: likewise.

    """

    regions: tuple[int, ...] = ()
    problems: tuple[HealthProblem | None, ...] = ()
    suspended: tuple[bool, ...] = ()

    @classmethod
    def of(cls, scored: Scored) -> Self:
        """Returns the marks of an outcome."""
        regions = scored.regions
        if not any(region.problem or region.suspended for region in regions):
            return cls()
        return cls(
            tuple(hash(region.region_id) for region in regions),
            tuple(region.problem for region in regions),
            tuple(region.suspended for region in regions),
        )

    @classmethod
    def unseen(cls, scored: Scored) -> Self:
        """Returns the marks of a frame that no rule has seen, though its pictures may be good."""
        regions = tuple(hash(region.region_id) for region in scored.regions)
        return cls(regions, (None,) * len(regions), (True,) * len(regions))

    def on(self, scored: Scored) -> Scored:
        """Returns an outcome with these marks on the regions that it has."""
        if not self.regions:
            return scored
        marks = dict(zip(self.regions, zip(self.problems, self.suspended, strict=True), strict=True))
        return replace(
            scored, regions=tuple(_marked(region, marks.get(hash(region.region_id))) for region in scored.regions)
        )

    def shared_with(self, other: FrameMarks) -> FrameMarks:
        """Returns the other ones if they are equal: of a long row of marks that are alike, one is kept."""
        return other if other == self else self


def _marked(region: RegionScores, mark: tuple[HealthProblem | None, bool] | None) -> RegionScores:
    return region if mark is None else replace(region, problem=mark[0], suspended=mark[1])


@dataclass(frozen=True, slots=True)
class ReleasedFrame:
    """A frame whose result is out.

    Attributes:
        frame_id: its number.
        order: the order of frames as it was after it.
        marks: those of its outcome; None: it was not scored.

    """

    frame_id: int
    order: FrameOrder
    marks: FrameMarks | None


@dataclass(slots=True, eq=False)
class StreamState:
    """A stream's knowledge of the frames behind it.

    Attributes:
        stream_id: unique over all streams and servers; event ids begin with it.
        origin_ns: when the stream began, on the shell's clock: arrival times count from then.
        rules: the rules' progress.
        health: the health of the regions' pictures.
        last_seen: the last frame that both have seen.
        event_count: events emitted so far.
        events: the last of them, bounded by `MAX_KEPT_EVENTS` and `MAX_KEPT_TRAIL_POINTS`.
        released: the last frames whose results are out.

    """

    stream_id: str
    origin_ns: int = 0
    rules: RuleBook = field(default_factory=RuleBook)
    health: HealthMonitor = field(default_factory=lambda: HealthMonitor(HealthPolicy()))
    last_seen: Moment | None = None
    event_count: int = 0
    events: deque[Event | HealthEvent] = field(default_factory=lambda: deque(maxlen=MAX_KEPT_EVENTS))
    released: deque[ReleasedFrame] = field(default_factory=lambda: deque(maxlen=MAX_RELEASED_FRAMES))
    _trail_points: int = 0  # of the events that are kept

    def has_seen(self, frame_id: int) -> bool:
        """True if the rules have seen the frame, or a later one."""
        return self.last_seen is not None and frame_id <= self.last_seen.frame_id

    def next_event_id(self) -> str:
        """Counts an event and returns its id."""
        self.event_count += 1
        return f"{self.stream_id}-{self.event_count}"

    def keep_events(self, events: Iterable[Event | HealthEvent]) -> None:
        """Keeps emitted events; the oldest make room."""
        for event in events:
            if len(self.events) == MAX_KEPT_EVENTS:
                self._forget_event()
            self.events.append(event)
            self._trail_points += trail_length(event)
        while self._trail_points > MAX_KEPT_TRAIL_POINTS:
            self._forget_event()

    def _forget_event(self) -> None:
        self._trail_points -= trail_length(self.events.popleft())

    def events_after(self, event_id: str) -> deque[Event | HealthEvent]:
        """Returns the events after that one; all that are kept if it is not among them."""
        ids = [event.event_id for event in self.events]
        first = ids.index(event_id) + 1 if event_id in ids else 0
        return deque(islice(self.events, first, None))

    def release(self, frame_id: int, order: FrameOrder, outcome: Outcome) -> None:
        """Takes note of a frame whose result is out."""
        marks = FrameMarks.of(outcome) if isinstance(outcome, Scored) else None
        if marks is not None and self.released and self.released[-1].marks is not None:
            marks = marks.shared_with(self.released[-1].marks)
        self.released.append(ReleasedFrame(frame_id, order, marks))

    def order_after(self, frame_id: int | None) -> FrameOrder:
        """Returns the order as it was after a frame; if that is not kept any more, frames come after its number."""
        if frame_id is None:
            return FrameOrder(last_seen=self.last_seen)
        kept = self._released(frame_id)
        order = FrameOrder.after(Moment(frame_id, 0)) if kept is None else kept.order.copy()
        order.last_seen = self.last_seen
        return order

    def as_first(self, frame_id: int, scored: Scored) -> Scored:
        """Returns the outcome of a frame that came again as it was marked when the rules saw it, or later ones.

        If it was not scored then (dropped, say), no rule has seen it, and none can any more.
        """
        kept = self._released(frame_id)
        if kept is None:
            return scored
        marks = FrameMarks.unseen(scored) if kept.marks is None else kept.marks
        return marks.on(scored)

    def _released(self, frame_id: int) -> ReleasedFrame | None:
        return next((each for each in reversed(self.released) if each.frame_id == frame_id), None)

    @property
    def byte_count(self) -> int:
        """Bytes that the state takes at most, as estimated from the sizes of all that may be many or large."""
        return (
            _STATE_BYTES
            + self.rules.byte_count
            + self.health.byte_count
            + sum(map(_kept_event_bytes, self.events))
            + _RELEASED_BYTES * len(self.released)
            + sum(_MARKS_BYTES + _MARK_BYTES * len(marks.regions) for marks in self._kept_marks())
        )

    def _kept_marks(self) -> Iterable[FrameMarks]:
        """The marks that are kept, each once."""
        return {id(each.marks): each.marks for each in self.released if each.marks is not None}.values()


def _kept_event_bytes(event: Event | HealthEvent) -> int:
    """Returns the bytes of an event with its texts, which its rule does not keep any more."""
    texts = [event.region_id]
    if isinstance(event, Event):
        texts += [event.rule_id, event.label]
        if event.trail is not None and event.trail.runner_up is not None:
            texts.append(event.trail.runner_up.label)
    return event_bytes(event) + sum(_TEXT_BYTES + _CHAR_BYTES * len(text) for text in texts)
