"""The state of a stream that outlives its connection, so that another stream can go on from where it was lost."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from itertools import islice

from framewatch_core.health.events import HealthEvent
from framewatch_core.health.monitor import HealthMonitor, HealthPolicy
from framewatch_core.images.regions import MAX_REGIONS
from framewatch_core.rules.engine import RuleBook
from framewatch_core.rules.events import Event
from framewatch_core.stream.config import MAX_RULES
from framewatch_core.stream.order import FrameOrder
from framewatch_core.time import Moment

MAX_KEPT_EVENTS = MAX_RULES + MAX_REGIONS
"""Events that can be emitted again: as many as a single frame can cause."""

MAX_RELEASED_FRAMES = 256
"""Frames whose results can have been lost without the order of those before them being forgotten."""


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
        events: the last of them.
        released: the last frames whose results are out, each with the order of frames as it was after it.

    """

    stream_id: str
    origin_ns: int = 0
    rules: RuleBook = field(default_factory=RuleBook)
    health: HealthMonitor = field(default_factory=lambda: HealthMonitor(HealthPolicy()))
    last_seen: Moment | None = None
    event_count: int = 0
    events: deque[Event | HealthEvent] = field(default_factory=lambda: deque(maxlen=MAX_KEPT_EVENTS))
    released: deque[tuple[int, FrameOrder]] = field(default_factory=lambda: deque(maxlen=MAX_RELEASED_FRAMES))

    def has_seen(self, frame_id: int) -> bool:
        """True if the rules have seen the frame, or a later one."""
        return self.last_seen is not None and frame_id <= self.last_seen.frame_id

    def next_event_id(self) -> str:
        """Counts an event and returns its id."""
        self.event_count += 1
        return f"{self.stream_id}-{self.event_count}"

    def events_after(self, event_id: str) -> deque[Event | HealthEvent]:
        """Returns the events after that one; all that are kept if it is not among them."""
        ids = [event.event_id for event in self.events]
        first = ids.index(event_id) + 1 if event_id in ids else 0
        return deque(islice(self.events, first, None))

    def order_after(self, frame_id: int | None) -> FrameOrder:
        """Returns the order as it was after a frame; if that is not kept any more, frames come after its number."""
        if frame_id is None:
            return FrameOrder(last_seen=self.last_seen)
        kept = next((order for released_id, order in reversed(self.released) if released_id == frame_id), None)
        order = FrameOrder(Moment(frame_id, 0)) if kept is None else kept.copy()
        order.last_seen = self.last_seen
        return order
