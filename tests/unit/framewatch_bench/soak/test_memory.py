"""The slope of a process's memory."""

from __future__ import annotations

import math

import numpy as np
import pytest

from framewatch_bench.soak.memory import Sample, slope


def samples(minutes: int, growth_mb: float, noise_mb: float = 0.0) -> list[Sample]:
    """Returns one sample a minute, with growth in MB a minute."""
    rng = np.random.default_rng(1)
    return [
        (minute * 60.0, round((600 + growth_mb * minute + noise_mb * rng.standard_normal()) * 1e6))
        for minute in range(minutes)
    ]


def test_a_line_is_found_to_the_digit() -> None:
    found = slope(samples(20, 0.6), after_s=0)
    assert (found.per_minute, found.low, found.high) == pytest.approx((0.6, 0.6, 0.6), abs=1e-6)


def test_the_interval_holds_the_truth_and_shrinks_with_time() -> None:
    short, long = (slope(samples(minutes, 0.2, noise_mb=20), after_s=0) for minutes in (15, 60))
    for found in (short, long):
        assert found.low < 0.2 < found.high
    assert long.high - long.low < (short.high - short.low) / 4


def test_the_warm_up_does_not_count() -> None:
    warm = [(at + 300.0, memory) for at, memory in samples(20, 0)]
    assert slope([(0.0, 10**9), (240.0, 2 * 10**9), *warm], after_s=300).per_minute == pytest.approx(0)


def test_a_few_samples_have_no_slope() -> None:
    assert math.isnan(slope(samples(9, 1), after_s=0).per_minute)
