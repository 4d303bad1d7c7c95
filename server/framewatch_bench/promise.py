"""Figures with their limits."""

from __future__ import annotations

from dataclasses import dataclass

from framewatch_server.tables import Row


@dataclass(frozen=True, slots=True)
class Promise:
    """A figure and its limit.

    Attributes:
        name: the promise, in words.
        measured: the figure.
        limit: the largest figure that keeps the promise, or the least one.
        is_least: True: the limit is the least figure that is allowed; False: the largest.

    """

    name: str
    measured: float
    limit: float
    is_least: bool = False

    @property
    def is_kept(self) -> bool:
        """True if the figure is within the limit; NaN is not."""
        return self.measured >= self.limit if self.is_least else self.measured <= self.limit

    def row(self) -> Row:
        """Returns the promise as a row of a table."""
        return {
            "promise": self.name,
            "measured": float(self.measured),
            "limit": f"{'≥' if self.is_least else '≤'} {self.limit:g}",
            "kept": self.is_kept,
        }
