"""Charts of block characters."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from framewatch_core.intervals import Interval

_LEVELS = "▁▂▃▄▅▆▇█"
FULL = "█"


def sparkline(values: Iterable[float], low: float, high: float) -> str:
    """One character for each value, as high as it lies between `low` and `high`; NaN is a blank."""
    span = (high - low) or 1.0
    return "".join(_level((value - low) / span) for value in values)


def _level(fraction: float) -> str:
    if fraction != fraction:  # noqa: PLR0124  NaN
        return " "
    return _LEVELS[min(max(int(fraction * len(_LEVELS)), 0), len(_LEVELS) - 1)]


def columns(values: npt.NDArray[np.int64], rows: int, most: int | None = None) -> list[str]:
    """Columns of a bar chart as lines, the uppermost first; what is more than 0 shows.

    Args:
        values: one for each column, 0 or more.
        rows: how many lines high `most` is.
        most: the highest value; None: of the values.

    """
    top = max(int(values.max(initial=0)) if most is None else most, 1)
    eighths = np.where(values > 0, np.maximum(1, np.round(values / top * rows * 8)), 0)
    return ["".join(_cell(int(value) - 8 * row) for value in eighths) for row in reversed(range(rows))]


def _cell(eighths: int) -> str:
    return " " if eighths <= 0 else _LEVELS[min(eighths, 8) - 1]


def peaks(times_ns: npt.NDArray[np.int64], values: npt.NDArray[np.float64], end_ns: int, width: int) -> list[float]:
    """The highest value within each of `width` equal parts of the time before `end_ns`; NaN where there is none."""
    found = np.full(width, np.nan)
    places = np.minimum(times_ns * width // max(end_ns, 1), width - 1)
    np.fmax.at(found, places, values)
    return [float(value) for value in found]


def spans(intervals: Sequence[Interval], end_ns: int, width: int, mark: str = FULL, blank: str = " ") -> str:
    """Where intervals lie in the time before `end_ns`, on a line; however short one is, it shows."""
    line = [blank] * width
    for interval in intervals:
        first = min(interval.start_ns * width // max(end_ns, 1), width - 1)
        last = min(-(-min(interval.end_ns, end_ns) * width // max(end_ns, 1)), width)
        line[first : max(last, first + 1)] = mark * (max(last, first + 1) - first)
    return "".join(line)


def axis(left: str, right: str, width: int) -> str:
    """The names of an axis's ends, on a line."""
    return left + right.rjust(max(width - len(left), 0))
