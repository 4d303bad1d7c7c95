"""Presences: intervals from ENTERED to EXITED."""

from __future__ import annotations

from collections.abc import Iterable

from framewatch_core.calibration.intervals import Interval
from framewatch_core.rules.events import Event, EventKind


def presences(events: Iterable[Event], end_ns: int) -> list[Interval]:
    """Returns the intervals from ENTERED's `began` to EXITED's; the last one may have no EXITED and ends at the end.

    Args:
        events: one rule's ENTERED and EXITED, in the order of time.
        end_ns: of the recording.

    """
    found: list[Interval] = []
    since: int | None = None
    for event in events:
        began_ns = event.began.time_ns
        if event.kind is EventKind.ENTERED:
            since = began_ns
        elif since is not None:
            found.append(Interval(since, max(began_ns, since + 1)))
            since = None
    return found if since is None else [*found, Interval(since, max(end_ns, since + 1))]
