"""What a stream came to, counted from its outcomes and events."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from framewatch_client import Event, FrameResult, FrameStatus
from framewatch_core.rules.rule import EventKind, EventRule

PRESENCE_KINDS = frozenset({EventKind.ENTERED, EventKind.EXITED})
"""What rules say; the others are of a region's pictures."""


@dataclass(slots=True)
class RuleSummary:
    """One rule's events: how often it said what, and for how many seconds of frame time its label was present."""

    label: str
    entered_count: int = 0
    exited_count: int = 0
    present_s: float = 0.0
    present_since_s: float | None = None

    def add(self, event: Event) -> None:
        """Counts an event."""
        if event.kind is EventKind.ENTERED:
            self.entered_count += 1
            self.present_since_s = event.began_time_s
        else:
            self.exited_count += 1
            self.present_since_s = None
            self.present_s += event.present_s or 0.0

    def present_until(self, time_s: float) -> float:
        """Seconds present up to `time_s`, a presence that goes on included."""
        return self.present_s + (0.0 if self.present_since_s is None else max(0.0, time_s - self.present_since_s))


@dataclass(slots=True)
class WatchSummary:
    """A stream so far.

    Attributes:
        sent, scored, dropped, failed: frames.
        reused: of those scored, how many by the embedding of an earlier frame.
        suspended_count: how often a region's rules were suspended.
        time_s: of the last frame with an outcome.
        last: its scores, best first, if any frame was scored.
        last_failure: what the server said of the last frame that failed.
        rules: by the rules' names, in their order.

    """

    sent: int = 0
    scored: int = 0
    reused: int = 0
    dropped: int = 0
    failed: int = 0
    suspended_count: int = 0
    time_s: float = 0.0
    last: FrameResult | None = None
    last_failure: str = ""
    rules: dict[str, RuleSummary] = field(default_factory=dict)

    @classmethod
    def of(cls, rules: Sequence[EventRule]) -> WatchSummary:
        """An empty one of a stream with these rules."""
        return cls(rules={rule.name: RuleSummary(rule.label) for rule in rules})

    @property
    def answered(self) -> int:
        """Frames with an outcome."""
        return self.scored + self.dropped + self.failed

    @property
    def unanswered(self) -> int:
        """Frames sent that have no outcome."""
        return self.sent - self.answered

    @property
    def event_count(self) -> int:
        """Events of all rules."""
        return sum(rule.entered_count + rule.exited_count for rule in self.rules.values())

    def add(self, item: FrameResult | Event) -> None:
        """Counts an outcome or an event."""
        if isinstance(item, Event):
            self._add_event(item)
            return
        self.time_s = item.time_s
        if item.status is FrameStatus.SCORED:
            self.scored += 1
            self.reused += item.reused_frame_id is not None
            self.last = item
        elif item.status is FrameStatus.DROPPED:
            self.dropped += 1
        else:
            self.failed += 1
            self.last_failure = item.error.message if item.error else "an outcome that this client doesn't know"

    def _add_event(self, event: Event) -> None:
        if event.kind in PRESENCE_KINDS:
            self.rules.setdefault(event.rule_id, RuleSummary(event.label)).add(event)
        elif event.kind is EventKind.SUSPENDED:
            self.suspended_count += 1
