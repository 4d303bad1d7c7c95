"""Counts of a stream's outcomes and events."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from framewatch_client import Event, FrameResult, FrameStatus, HealthEvent, HealthEventKind, StreamResult
from framewatch_core.rules.events import EventKind
from framewatch_core.rules.rule import EventRule


@dataclass(slots=True)
class RuleSummary:
    """Counts of one rule's events, and the seconds of frame time for which its label was present."""

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

    def start_anew(self, time_s: float) -> None:
        """Ends a presence that has no EXITED, since the rule has lost its state. `time_s`: of the last frame."""
        self.present_s = self.present_until(time_s)
        self.present_since_s = None

    def present_until(self, time_s: float) -> float:
        """Returns the seconds of presence up to `time_s`, with the presence that has not ended."""
        return self.present_s + (0.0 if self.present_since_s is None else max(0.0, time_s - self.present_since_s))


@dataclass(slots=True)
class WatchSummary:
    """Counts of a stream so far.

    Attributes:
        sent, scored, dropped, failed: numbers of frames.
        reused: number of scored frames that have the embedding of an earlier frame.
        suspended_count: how often a region's rules were suspended.
        time_s: frame time of the last outcome.
        last: the last scored frame; None before the first one.
        last_failure: the server's message about the last frame that failed.
        rules: counts by the rules' names, in the order of the rules.

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
        """Returns the summary of a stream with these rules that has not begun."""
        return cls(rules={rule.name: RuleSummary(rule.label) for rule in rules})

    @property
    def answered(self) -> int:
        """Number of frames with an outcome."""
        return self.scored + self.dropped + self.failed

    @property
    def unanswered(self) -> int:
        """Number of frames that were sent and have no outcome yet."""
        return self.sent - self.answered

    @property
    def event_count(self) -> int:
        """Number of events of all rules."""
        return sum(rule.entered_count + rule.exited_count for rule in self.rules.values())

    def start_anew(self) -> None:
        """Notes that the server has lost the rules' state: they may emit ENTERED again."""
        for rule in self.rules.values():
            rule.start_anew(self.time_s)

    def add(self, item: StreamResult) -> None:
        """Counts an outcome or an event."""
        if isinstance(item, Event):
            self.rules.setdefault(item.rule_id, RuleSummary(item.label)).add(item)
            return
        if isinstance(item, HealthEvent):
            self.suspended_count += item.kind is HealthEventKind.SUSPENDED
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
