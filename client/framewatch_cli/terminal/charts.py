"""Charts of block characters."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from framewatch_core.calibration.intervals import Interval

_LEVELS = "▁▂▃▄▅▆▇█"
FULL = "█"


def sparkline(values: Iterable[float], low: float, high: float) -> str:
    """Returns one character for each value, whose height is the value's place between `low` and `high`.

    NaN becomes a blank; values outside are clipped.
    """
    span = (high - low) or 1.0
    return "".join(_level((value - low) / span) for value in values)


def _level(fraction: float) -> str:
    if math.isnan(fraction):
        return " "
    return _LEVELS[min(max(int(fraction * len(_LEVELS)), 0), len(_LEVELS) - 1)]


def columns(values: npt.NDArray[np.int64], rows: int) -> list[str]:
    """Returns a bar chart as lines, the uppermost first; any value above 0 is visible.

    Args:
        values: height of each column, 0 or more; the highest one fills all rows.
        rows: number of lines.

    """
    top = max(int(values.max(initial=0)), 1)
    eighths = np.where(values > 0, np.maximum(1, np.round(values / top * rows * 8)), 0)
    return ["".join(_cell(int(value) - 8 * row) for value in eighths) for row in reversed(range(rows))]


def _cell(eighths: int) -> str:
    return " " if eighths <= 0 else _LEVELS[min(eighths, 8) - 1]


def peaks(times_ns: npt.NDArray[np.int64], values: npt.NDArray[np.float64], end_ns: int, width: int) -> list[float]:
    """Returns the highest value in each of `width` equal parts of the time before `end_ns`; NaN where there is none.

    A part without a value has the last one before it, unless that is older than twice the usual gap between values.
    """
    found = np.full(width, np.nan)
    if not len(times_ns):
        return found.tolist()
    np.fmax.at(found, np.minimum(times_ns * width // max(end_ns, 1), width - 1), values)
    starts_ns = np.arange(width) * end_ns // width
    before = np.searchsorted(times_ns, starts_ns, side="right") - 1
    usual_ns = float(np.median(np.diff(times_ns))) if len(times_ns) > 1 else 0.0
    holds = np.isnan(found) & (before >= 0) & (starts_ns - times_ns[before] <= 2 * usual_ns)
    found[holds] = values[before[holds]]
    return found.tolist()


def spans(intervals: Sequence[Interval], end_ns: int, width: int, mark: str = FULL) -> str:
    """Returns a line of `width` characters for the time before `end_ns`, with a mark wherever an interval lies.

    Ends are rounded to the nearest character; each interval has at least one.
    """
    line = [" "] * width
    for interval in intervals:
        first = min(round(interval.start_ns * width / max(end_ns, 1)), width - 1)
        after = min(max(round(interval.end_ns * width / max(end_ns, 1)), first + 1), width)
        line[first:after] = mark * (after - first)
    return "".join(line)


def axis(left: str, right: str, width: int) -> str:
    """Returns a line with the names of an axis's two ends."""
    return left + right.rjust(max(width - len(left), 0))


def merged(below: str, above: str) -> str:
    """Returns one line laid over another of the same length; blanks of the upper one are transparent."""
    return "".join(lower if upper == " " else upper for lower, upper in zip(below, above, strict=True))


class Marks:
    """Words on a line at given places; a word moves to the right if it would hide the one before it."""

    def __init__(self, width: int) -> None:
        self.line = ""
        self._width = width

    def put(self, fraction: float, word: str) -> None:
        """Adds a word that begins at a fraction of the width; further to the left if it would pass the right end."""
        wanted = min(max(round(fraction * (self._width - 1)), 0), max(self._width - len(word), 0))
        gap = max(wanted - len(self.line), 1 if self.line else 0)
        self.line += " " * gap + word
