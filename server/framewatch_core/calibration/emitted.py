"""Events as evaluations take them, and the presences that they make."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from framewatch_core.calibration.intervals import Interval
from framewatch_core.rules.events import Event, EventKind


@dataclass(frozen=True, slots=True)
class EmittedEvent:
    """Kind and times of an ENTERED or EXITED; it may come from a live stream or from a replay.

    Attributes:
        kind: ENTERED or EXITED.
        rule: the rule's name.
        at_ns: frame time of the frame that completed it, when it was emitted.
        began_ns: frame time of the first frame that showed it.

    """

    kind: EventKind
    rule: str
    at_ns: int
    began_ns: int

    @classmethod
    def of(cls, event: Event) -> EmittedEvent:
        """Takes an event of the rule engine."""
        return cls(event.kind, event.rule_id, event.at.time_ns, event.began.time_ns)


def presences(events: Iterable[EmittedEvent], end_ns: int) -> list[Interval]:
    """Returns the intervals from ENTERED's `began` to EXITED's; the last one may have no EXITED and ends at the end.

    Args:
        events: one rule's ENTERED and EXITED, in the order of time.
        end_ns: of the recording.

    """
    found: list[Interval] = []
    since: int | None = None
    for event in events:
        if event.kind is EventKind.ENTERED:
            since = event.began_ns
        elif since is not None:
            found.append(Interval(since, max(event.began_ns, since + 1)))
            since = None
    return found if since is None else [*found, Interval(since, max(end_ns, since + 1))]
