"""The decision which threads hang: in work that takes longer than a limit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Changes:
    """Differences between two looks at the threads.

    Attributes:
        hung: names of threads whose work has just exceeded the limit.
        returned: names of threads that hung, and have ended that work.

    """

    hung: tuple[str, ...] = ()
    returned: tuple[str, ...] = ()


@dataclass(slots=True)
class _Work:
    """The work of one thread, as of the last look."""

    number: int
    age_s: float = 0.0


class Watchdog:
    """Tells from regular looks at threads which ones hang.

    Between two looks, at most twice the interval counts: when the whole process stood still (SIGSTOP, a suspended
    machine), its threads have not worked either.
    """

    def __init__(self, limit_s: float) -> None:
        """`limit_s`: seconds after which work counts as hanging."""
        self._limit_s = limit_s
        self.interval_s = min(limit_s / 4, 5.0)
        """Seconds between two looks."""
        self._last_s: float | None = None
        self._works: dict[str, _Work] = {}
        self._hung: set[str] = set()

    @property
    def hung(self) -> frozenset[str]:
        """Names of the threads that hang."""
        return frozenset(self._hung)

    def look(self, now_s: float, under_way: Mapping[str, int | None]) -> Changes:
        """Takes a look.

        Args:
            now_s: time on a clock that never goes back.
            under_way: by the threads' names, the number of the work that each one does; None: it waits for some.

        """
        step_s = 0.0 if self._last_s is None else min(now_s - self._last_s, 2 * self.interval_s)
        self._last_s = now_s
        self._works = {
            name: self._aged(name, number, step_s) for name, number in under_way.items() if number is not None
        }
        hung = {name for name, work in self._works.items() if work.age_s >= self._limit_s}
        changes = Changes(tuple(sorted(hung - self._hung)), tuple(sorted(self._hung - hung)))
        self._hung = hung
        return changes

    def _aged(self, name: str, number: int, step_s: float) -> _Work:
        work = self._works.get(name)
        if work is None or work.number != number:
            return _Work(number)
        work.age_s += step_s
        return work
