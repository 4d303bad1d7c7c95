"""Events of many cameras together: how many were told, and how many of those told were right."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from framewatch_core.calibration.estimates import Estimate, proportion

if TYPE_CHECKING:
    from framewatch_bench.events.cases import CaseResult


@dataclass(frozen=True, slots=True)
class Summary:
    """Counts over several videos.

    Attributes:
        name: what the videos have in common.
        videos: number of videos.
        right: those of them whose events were all right.
        matched: transitions with an event.
        missed: transitions without.
        wrong: events that were false or doubled.
        unsure: events at moments about which people would not agree; they count nowhere.

    """

    name: str
    videos: int
    right: int
    matched: int
    missed: int
    wrong: int
    unsure: int

    @classmethod
    def of(cls, name: str, results: Iterable[CaseResult]) -> Summary:
        """Returns the counts of results."""
        results = list(results)
        rules = [rule for result in results for rule in result.evaluation.rules]
        return cls(
            name,
            len(results),
            sum(result.is_right for result in results),
            sum(len(rule.matches) for rule in rules),
            sum(len(rule.missed) for rule in rules),
            sum(len(rule.false) + len(rule.doubled) for rule in rules),
            sum(len(rule.unsure) for rule in rules),
        )

    @property
    def precision(self) -> Estimate:
        """Right events of all events."""
        return proportion(self.matched, self.matched + self.wrong)

    @property
    def recall(self) -> Estimate:
        """Transitions with an event, of all."""
        return proportion(self.matched, self.matched + self.missed)

    @property
    def f1(self) -> Estimate:
        """The harmonic mean of both.

        It is 2 J / (1 + J), where J is the share of right events among all that were due or were told: this grows with
        J, so the ends of J's exact interval are those of its own.
        """
        shared = proportion(self.matched, self.matched + self.missed + self.wrong)
        value = None if shared.value is None else _f1(shared.value)
        return Estimate(value, _f1(shared.low), _f1(shared.high), shared.basis)


def summaries(results: Iterable[CaseResult]) -> Iterator[Summary]:
    """Yields a summary for each kind of case, over all videos that have it, and one of all; none of a single video."""
    results = list(results)
    if len({result.video for result in results}) < 2:
        return
    names = list(dict.fromkeys(result.case.name for result in results))
    for name in names:
        yield Summary.of(name, (result for result in results if result.case.name == name))
    if len(names) > 1:
        yield Summary.of("all", results)


def _f1(shared: float) -> float:
    return 2 * shared / (1 + shared)
