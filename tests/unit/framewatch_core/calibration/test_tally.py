"""Presences in known stretches, as tables: which are right and which are wrong."""

from __future__ import annotations

import pytest

from framewatch_core.calibration.intervals import Interval
from framewatch_core.calibration.tally import tally_presences
from tests.intervals import interval

S = interval


@pytest.mark.parametrize(
    ("presences", "found", "false"),
    [
        pytest.param([S(10, 20), S(30, 40)], 2, 0, id="both"),
        pytest.param([], 0, 0, id="nothing"),
        pytest.param([S(10, 20)], 1, 0, id="one"),
        pytest.param([S(10, 14), S(30, 40)], 1, 1, id="less than half of one"),
        pytest.param([S(10, 16), S(17, 20), S(30, 40)], 2, 1, id="a flap"),
        pytest.param([S(10, 40)], 1, 1, id="none of its own for the second, and one through the absence"),
        pytest.param([S(0.5, 1), S(10, 20), S(30, 40)], 2, 1, id="a false one"),
        pytest.param([S(10, 20), S(30, 40), S(50, 51)], 2, 0, id="in unknown time"),
        pytest.param([S(0, 100)], 1, 1, id="stuck"),
        pytest.param([S(7, 20), S(30, 40)], 2, 0, id="begun in unknown time"),
        pytest.param([S(11, 21), S(31, 42)], 2, 0, id="a little late"),
    ],
)
def test_counts(presences: list[Interval], found: int, false: int) -> None:
    tally = tally_presences(presences, [S(10, 20), S(30, 40)], [S(0, 5), S(20, 30)])
    assert (tally.appearance_count, tally.found_count, tally.false_count) == (2, found, false)
    assert tally.known_ns == S(0, 35).length_ns


def test_estimates() -> None:
    estimates = tally_presences([S(10, 20), S(0, 1)], [S(10, 20), S(30, 40)], [S(0, 10)]).estimates
    assert (estimates.precision.value, estimates.recall.value) == (0.5, 0.5)
    assert estimates.false_per_hour.value == pytest.approx(120)
    assert estimates.false_per_hour.high > 600
