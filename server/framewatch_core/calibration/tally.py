"""Events of a rule against material of which only some stretches are known.

Unlike `evaluation`, which has the whole truth, this counts in known stretches only: what happens elsewhere is neither
right nor wrong, and a known stretch need not begin when the thing appears. So presences are counted, not moments.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from framewatch_core.calibration.estimates import Estimate, proportion, rate_per_hour
from framewatch_core.calibration.intervals import Interval
from framewatch_core.calibration.presences import presences
from framewatch_core.rules.events import Event

# the end of a presence without EXITED
_FOREVER_NS = 2**63


@dataclass(frozen=True, slots=True)
class Tally:
    """Counts over known stretches.

    Attributes:
        appearance_count: known present stretches.
        found_count: those with a presence of their own that covers at least half of the stretch.
        false_count: presences that are wrong: they begin in a known stretch without being an appearance's own, or cover
            most of a known absent stretch.
        known_ns: length of the known stretches together.

    """

    appearance_count: int = 0
    found_count: int = 0
    false_count: int = 0
    known_ns: int = 0

    def __add__(self, other: Tally) -> Tally:
        return Tally(
            self.appearance_count + other.appearance_count,
            self.found_count + other.found_count,
            self.false_count + other.false_count,
            self.known_ns + other.known_ns,
        )

    @property
    def f1(self) -> float:
        """The harmonic mean of precision and recall; 1 when there is nothing to find and nothing is found."""
        wrong = self.false_count + self.appearance_count - self.found_count
        return 1.0 if wrong == 0 else 2 * self.found_count / (2 * self.found_count + wrong)

    @property
    def estimates(self) -> EventEstimates:
        """Estimates for other material like it."""
        return EventEstimates(
            precision=proportion(self.found_count, self.found_count + self.false_count),
            recall=proportion(self.found_count, self.appearance_count),
            false_per_hour=rate_per_hour(self.false_count, self.known_ns),
        )


@dataclass(frozen=True, slots=True)
class EventEstimates:
    """Estimates of ENTERED events.

    Attributes:
        precision: share of the events that are right.
        recall: share of the appearances that have an event.
        false_per_hour: wrong events an hour.

    """

    precision: Estimate
    recall: Estimate
    false_per_hour: Estimate


def tally_events(events: Iterable[Event], present: Sequence[Interval], absent: Sequence[Interval]) -> Tally:
    """Counts right and wrong presences of one rule; a presence without EXITED goes on for ever.

    Args:
        events: of the rule, in the order of time.
        present: known stretches with the thing.
        absent: known stretches without it.

    """
    return tally_presences(presences(events, _FOREVER_NS), present, absent)


def tally_presences(found: Sequence[Interval], present: Sequence[Interval], absent: Sequence[Interval]) -> Tally:
    """Counts right and wrong presences; see `tally_events` for the stretches."""
    own: set[Interval] = set()
    for appearance in present:
        free = [presence for presence in found if presence not in own]
        best = max(free, key=appearance.overlap_ns, default=None)
        if best is not None and 2 * appearance.overlap_ns(best) >= appearance.length_ns:
            own.add(best)
    return Tally(
        appearance_count=len(present),
        found_count=len(own),
        false_count=sum(_is_false(presence, presence in own, present, absent) for presence in found),
        known_ns=sum(stretch.length_ns for stretch in (*present, *absent)),
    )


def _is_false(presence: Interval, is_own: bool, present: Sequence[Interval], absent: Sequence[Interval]) -> bool:
    if any(2 * stretch.overlap_ns(presence) > stretch.length_ns for stretch in absent):
        return True
    return not is_own and any(presence.start_ns in stretch for stretch in (*present, *absent))
