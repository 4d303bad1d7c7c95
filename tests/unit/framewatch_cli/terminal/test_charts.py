"""Charts of block characters."""

from __future__ import annotations

import math

import numpy as np
import pytest

from framewatch_cli.terminal.charts import Marks, axis, columns, merged, peaks, spans, sparkline
from framewatch_core.calibration.intervals import Interval
from tests.intervals import interval

S = interval
END_NS = 10_000_000_000


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        pytest.param([0.0, 0.5, 1.0], "▁▅█", id="range"),
        pytest.param([-1.0, 2.0], "▁█", id="outside"),
        pytest.param([math.nan, 1.0], " █", id="nothing"),
        pytest.param([], "", id="empty"),
    ],
)
def test_sparkline(values: list[float], expected: str) -> None:
    assert sparkline(values, 0.0, 1.0) == expected


def test_a_sparkline_of_one_level_is_low() -> None:
    assert sparkline([0.3, 0.3], 0.3, 0.3) == "▁▁"


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        pytest.param([0, 8, 16], [" ▁█"[:2] + "█", " ██"], id="two rows"),
        pytest.param([0, 1, 1000], ["  █", " ▁█"], id="what is little shows"),
        pytest.param([0, 0, 0], ["   ", "   "], id="nothing"),
    ],
)
def test_columns(values: list[int], expected: list[str]) -> None:
    lines = columns(np.array(values), 2)
    assert lines[1] == expected[1]
    assert lines[0][2] == expected[0][2]
    assert lines[0][0] == " "


def test_peaks_are_the_highest_of_their_part_and_hold_for_a_while() -> None:
    times_ns = np.array([0, 1, 2, 8]) * 1_000_000_000
    found = peaks(times_ns, np.array([0.2, 0.4, 0.1, 0.9]), END_NS, 5)
    assert found[:3] + found[4:] == [0.4, 0.1, 0.1, 0.9]
    assert math.isnan(found[3])
    assert all(math.isnan(value) for value in peaks(times_ns[:0], np.array([]), END_NS, 5))


@pytest.mark.parametrize(
    ("intervals", "expected"),
    [
        pytest.param([S(2, 5)], "  ███     ", id="one"),
        pytest.param([S(2, 2.01)], "  █       ", id="short"),
        pytest.param([S(9.99, 10)], "         █", id="at the end"),
        pytest.param([S(8, 99)], "        ██", id="beyond the end"),
        pytest.param([S(0, 4.4), S(5.6, 10)], "████  ████", id="a gap"),
    ],
)
def test_spans(intervals: list[Interval], expected: str) -> None:
    assert spans(intervals, END_NS, 10) == expected


def test_lines_are_laid_over_each_other() -> None:
    assert merged("────  ", " █   █") == "─█── █"


def test_axis() -> None:
    assert axis("0", "46 s", 10) == "0     46 s"


@pytest.mark.parametrize(
    ("places", "expected"),
    [
        pytest.param([(0.0, "▲ a"), (0.5, "▲ b")], "▲ a       ▲ b", id="apart"),
        pytest.param([(0.5, "▲ a"), (0.5, "▲ b")], "          ▲ a ▲ b", id="at the same place"),
        pytest.param([(1.0, "▲ a")], "                  ▲ a", id="at the right end"),
        pytest.param([(-3.0, "▲ a")], "▲ a", id="before the left end"),
    ],
)
def test_marks(places: list[tuple[float, str]], expected: str) -> None:
    marks = Marks(21)
    for fraction, word in places:
        marks.put(fraction, word)
    assert marks.line == expected
