"""Memory of a process over time, and its slope."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

_TWO_SIDED_95 = NormalDist().inv_cdf(0.975)
_MIN_SAMPLES = 10
MB = 1e6

Sample = tuple[float, int]
"""Seconds since the start, and resident bytes."""


@dataclass(frozen=True, slots=True)
class Slope:
    """Growth in MB a minute, with the ends of its 95 % confidence interval; NaN if there are too few samples."""

    per_minute: float
    low: float
    high: float


def slope(samples: Sequence[Sample], *, after_s: float) -> Slope:
    """Fits a line to samples, which are taken as independent, so they should be far apart.

    Args:
        samples: in order of time.
        after_s: end of the warm-up, which is left out.

    """
    points = [(at / 60, memory / MB) for at, memory in samples if at >= after_s]
    if len(points) < _MIN_SAMPLES:
        return Slope(math.nan, math.nan, math.nan)
    minutes, sizes = np.array(points).T
    centred = minutes - minutes.mean()
    rise = float(centred @ sizes / (centred @ centred))
    rest = sizes - sizes.mean() - rise * centred
    error = math.sqrt(float(rest @ rest) / (len(points) - 2) / float(centred @ centred))
    half = _student_t(len(points) - 2) * error
    return Slope(rise, rise - half, rise + half)


def _student_t(freedom: int) -> float:
    """The two-sided 95 % quantile of Student's t, by the first two terms of its expansion about the normal one's."""
    z = _TWO_SIDED_95
    return z + (z**3 + z) / (4 * freedom) + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * freedom**2)
