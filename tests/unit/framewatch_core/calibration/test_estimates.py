"""Intervals against scipy's and textbook values."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from framewatch_core.calibration.estimates import effective_count, proportion, rate_per_hour, roc_auc, roc_auc_estimate

HOUR_NS = 3_600_000_000_000


@pytest.mark.parametrize(
    ("count", "total", "value", "low", "high"),
    [
        # from R's binom.test and scipy.stats.beta.ppf
        pytest.param(0, 0, None, 0, 1, id="nothing to count"),
        pytest.param(0, 10, 0, 0, 0.3084971, id="none"),
        pytest.param(10, 10, 1, 0.6915029, 1, id="all"),
        pytest.param(1, 1, 1, 0.025, 1, id="the only one"),
        pytest.param(5, 6, 5 / 6, 0.3587654, 0.9957893, id="5 of 6"),
        pytest.param(500, 1000, 0.5, 0.4685491, 0.5314509, id="many"),
    ],
)
def test_clopper_pearson(count: int, total: int, value: float | None, low: float, high: float) -> None:
    estimate = proportion(count, total)
    assert estimate.value == value
    assert (estimate.low, estimate.high) == pytest.approx((low, high), abs=1e-6)
    assert estimate.basis == f"{count} of {total}"


@pytest.mark.parametrize(
    ("count", "low", "high"),
    [
        # Garwood's own table; 3.689 is the two-sided form of the rule of three
        pytest.param(0, 0, 3.688879, id="none"),
        pytest.param(1, 0.0253178, 5.571643, id="one"),
        pytest.param(10, 4.795389, 18.390356, id="ten"),
        pytest.param(400, 361.756297, 441.186648, id="many"),
    ],
)
def test_garwood(count: int, low: float, high: float) -> None:
    estimate = rate_per_hour(count, HOUR_NS)
    assert estimate.value == count
    assert (estimate.low, estimate.high) == pytest.approx((low, high), rel=1e-5)
    half = rate_per_hour(count, HOUR_NS // 2)
    assert (half.low, half.high) == pytest.approx((2 * low, 2 * high), rel=1e-5), "half the time, twice the rate"


def test_a_rate_without_exposure_is_unknown() -> None:
    estimate = rate_per_hour(0, 0)
    assert (estimate.value, estimate.low, estimate.high) == (None, 0, math.inf)


@pytest.mark.parametrize(
    ("present", "absent", "expected"),
    [
        pytest.param([3, 4], [1, 2], 1, id="apart"),
        pytest.param([1, 2], [3, 4], 0, id="the wrong way round"),
        pytest.param([1, 1], [1, 1, 1], 0.5, id="all the same"),
        pytest.param([1, 3], [2], 0.5, id="around"),
        pytest.param([2, 3], [2, 1], 0.875, id="one tie"),
    ],
)
def test_roc_auc(present: list[float], absent: list[float], expected: float) -> None:
    assert roc_auc(np.array(present, float), np.array(absent, float)) == expected


def test_frames_that_follow_each_other_are_no_new_observations() -> None:
    rng = np.random.default_rng(1)
    independent, slow = rng.normal(size=400), np.cumsum(rng.normal(size=400))
    assert effective_count(independent) > 300
    assert effective_count(slow) < 20
    assert effective_count(np.full(50, 0.5)) == 1, "a constant has no information about variation"
    sure = roc_auc_estimate(independent + 100, independent)
    unsure = roc_auc_estimate(slow + 1000, slow)
    assert sure.value == unsure.value == 1
    assert unsure.low < 0.9 < sure.low


@given(total=st.integers(1, 60), data=st.data())
def test_the_interval_holds_the_value(total: int, data: st.DataObject) -> None:
    count = data.draw(st.integers(0, total))
    estimate = proportion(count, total)
    assert 0 <= estimate.low <= count / total <= estimate.high <= 1
    mirrored = proportion(total - count, total)
    assert (mirrored.low, mirrored.high) == pytest.approx((1 - estimate.high, 1 - estimate.low), abs=1e-9)
