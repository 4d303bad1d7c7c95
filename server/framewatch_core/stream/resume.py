"""What outlives a stream's connection, so that another stream can take over from where it was lost."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from itertools import islice

from framewatch_core.health.monitor import HealthMonitor, HealthPolicy
from framewatch_core.images.regions import MAX_REGIONS
from framewatch_core.rules.engine import RuleBook
from framewatch_core.stream.messages import MAX_RULES, Event
from framewatch_core.stream.order import FrameOrder
from framewatch_core.time import Moment

MAX_SAID_EVENTS = MAX_RULES + MAX_REGIONS
"""Events that can be said again: as many as a single frame can cause."""

MAX_PASSED_FRAMES = 256
"""Frames whose results can have been lost without the order of those before them being forgotten."""


@dataclass(frozen=True, slots=True)
class ResumePoint:
    """What a client has of a stream that was lost.

    Attributes:
        token: names the stream.
        last_frame_id: the last frame whose result came; None: none did.
        last_event_id: the last event that came; empty: none did.

    """

    token: str
    last_frame_id: int | None = None
    last_event_id: str = ""


@dataclass(slots=True, eq=False)
class StreamState:
    """All that a stream knows of the frames behind it.

    Attributes:
        stream_id: unique over all streams and servers; event ids begin with it.
        model: the model's name.
        origin_ns: when the stream began, on the shell's clock: arrival times count from then.
        rules: what the rules have seen.
        health: what is known of the pictures.
        judged: the last frame that both have seen.
        event_count: events said so far.
        said: the last of them.
        passed: the last frames whose results were let go, each with the order of frames as it was after it.

    """

    stream_id: str
    model: str = ""
    origin_ns: int = 0
    rules: RuleBook = field(default_factory=RuleBook)
    health: HealthMonitor = field(default_factory=lambda: HealthMonitor(HealthPolicy()))
    judged: Moment | None = None
    event_count: int = 0
    said: deque[Event] = field(default_factory=lambda: deque(maxlen=MAX_SAID_EVENTS))
    passed: deque[tuple[int, FrameOrder]] = field(default_factory=lambda: deque(maxlen=MAX_PASSED_FRAMES))

    def has_judged(self, frame_id: int) -> bool:
        """Whether the rules have seen the frame, or are past it."""
        return self.judged is not None and frame_id <= self.judged.frame_id

    def next_event_id(self) -> str:
        """Counts an event and names it."""
        self.event_count += 1
        return f"{self.stream_id}-{self.event_count}"

    def said_after(self, event_id: str) -> deque[Event]:
        """The events after one; all that are kept if it is not among them."""
        ids = [event.event_id for event in self.said]
        first = ids.index(event_id) + 1 if event_id in ids else 0
        return deque(islice(self.said, first, None))

    def order_after(self, frame_id: int | None) -> FrameOrder:
        """The order as it was after a frame; if it is not kept any more, frames come after its number."""
        if frame_id is None:
            return FrameOrder(judged=self.judged)
        kept = next((order for passed_id, order in reversed(self.passed) if passed_id == frame_id), None)
        order = FrameOrder(Moment(frame_id, 0)) if kept is None else kept.copy()
        order.judged = self.judged
        return order
