"""The slope of a process's memory."""

from __future__ import annotations

import math

import numpy as np
import pytest

from framewatch_bench.soak.memory import Sample, medians, slope


def samples(minutes: int, growth_mb: float, noise_mb: float = 0.0) -> list[Sample]:
    """Returns one sample a second, with growth in MB a minute."""
    rng = np.random.default_rng(0)
    return [
        (float(second), round((600 + growth_mb * second / 60 + noise_mb * rng.standard_normal()) * 1e6))
        for second in range(minutes * 60)
    ]


def test_a_line_is_found_to_the_digit() -> None:
    found = slope(samples(20, 0.6), after_s=0, block_s=60)
    assert (found.per_minute, found.low, found.high) == pytest.approx((0.6, 0.6, 0.6), abs=1e-6)


def test_the_interval_holds_the_truth_and_shrinks_with_time() -> None:
    short, long = (slope(samples(minutes, 0.2, noise_mb=20), after_s=0, block_s=60) for minutes in (15, 60))
    for found in (short, long):
        assert found.low < 0.2 < found.high
    assert long.high - long.low < (short.high - short.low) / 4


def test_the_warm_up_and_single_peaks_do_not_count() -> None:
    warming = [(at, 10**9) for at in range(300)] + [(at + 300.0, memory) for at, memory in samples(20, 0)]
    warming[900] = (900.0, 4 * 10**9)
    assert slope(warming, after_s=300, block_s=60).per_minute == pytest.approx(0)


def test_a_few_blocks_have_no_slope() -> None:
    assert math.isnan(slope(samples(9, 1), after_s=0, block_s=60).per_minute)


def test_blocks_without_samples_are_left_out() -> None:
    assert medians([(1.0, 10**6), (2.0, 3 * 10**6), (130.0, 5 * 10**6)], 60) == [(30.0, 2.0), (150.0, 5.0)]
