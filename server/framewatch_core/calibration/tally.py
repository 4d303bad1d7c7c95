"""What a rule would have said of material of which some stretches are known.

Unlike an evaluation against the whole truth (`evaluation`), this asks only of known stretches: what happens elsewhere
is neither right nor wrong, and a known stretch need not begin when the thing appears.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from framewatch_core.calibration import evaluation
from framewatch_core.calibration.estimates import Estimate, proportion, rate_per_hour
from framewatch_core.calibration.evaluation import Said
from framewatch_core.calibration.intervals import Interval
from framewatch_core.rules.rule import RuleEvent

# the end of a presence that no EXITED ended
_FOREVER_NS = 2**63


@dataclass(frozen=True, slots=True)
class Tally:
    """Counts over known stretches.

    Attributes:
        appearance_count: known present stretches.
        found_count: those that a presence of their own was said of, for at least half of the stretch.
        false_count: presences that are none: begun in a known stretch without being an appearance's own, or said of
            most of a known absent stretch.
        known_ns: how long the known stretches are together.

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
        """The harmonic mean of precision and recall; 1 when there is nothing to find and nothing was said."""
        wrong = self.false_count + self.appearance_count - self.found_count
        return 1.0 if wrong == 0 else 2 * self.found_count / (2 * self.found_count + wrong)

    @property
    def estimates(self) -> EventEstimates:
        """What the counts say of other material like it."""
        return EventEstimates(
            precision=proportion(self.found_count, self.found_count + self.false_count),
            recall=proportion(self.found_count, self.appearance_count),
            false_per_hour=rate_per_hour(self.false_count, self.known_ns),
        )


@dataclass(frozen=True, slots=True)
class EventEstimates:
    """Of ENTERED events: how many are right, how many appearances get one, and false ones an hour."""

    precision: Estimate
    recall: Estimate
    false_per_hour: Estimate


def presences(events: Iterable[RuleEvent]) -> list[Interval]:
    """When a rule took its label to be there, in the order of time; one that no EXITED ended goes on for ever."""
    return evaluation.presences(map(Said.of, events), _FOREVER_NS)


def judge(said: Sequence[Interval], present: Sequence[Interval], absent: Sequence[Interval]) -> Tally:
    """Counts what was said right and wrong.

    Args:
        said: `presences` of one rule.
        present: known stretches with it.
        absent: known stretches without it.

    """
    own: set[Interval] = set()
    for appearance in present:
        free = [presence for presence in said if presence not in own]
        best = max(free, key=appearance.overlap_ns, default=None)
        if best is not None and 2 * appearance.overlap_ns(best) >= appearance.length_ns:
            own.add(best)
    return Tally(
        appearance_count=len(present),
        found_count=len(own),
        false_count=sum(_is_false(presence, presence in own, present, absent) for presence in said),
        known_ns=sum(stretch.length_ns for stretch in (*present, *absent)),
    )


def _is_false(said: Interval, is_own: bool, present: Sequence[Interval], absent: Sequence[Interval]) -> bool:
    if any(2 * stretch.overlap_ns(said) > stretch.length_ns for stretch in absent):
        return True
    return not is_own and any(said.start_ns in stretch for stretch in (*present, *absent))
