"""Memory of a process over time, and its slope."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

_TWO_SIDED_95 = NormalDist().inv_cdf(0.975)
_MIN_BLOCKS = 10
MB = 1e6

Sample = tuple[float, int]
"""Seconds since the start, and resident bytes."""


@dataclass(frozen=True, slots=True)
class Slope:
    """Growth in MB a minute, with the ends of its 95 % confidence interval; NaN if there are too few samples."""

    per_minute: float
    low: float
    high: float


def medians(samples: Sequence[Sample], block_s: float) -> list[tuple[float, float]]:
    """Returns the median MB of each block of time that has samples, by the block's middle in seconds."""
    blocks: dict[int, list[float]] = {}
    for at, memory in samples:
        blocks.setdefault(int(at // block_s), []).append(memory / MB)
    return [((number + 0.5) * block_s, float(np.median(values))) for number, values in sorted(blocks.items())]


def slope(samples: Sequence[Sample], *, after_s: float, block_s: float) -> Slope:
    """Fits a line to the medians of blocks of time; these are taken as independent, so blocks should be long.

    Args:
        samples: in order of time.
        after_s: end of the warm-up, which is left out.
        block_s: length of a block.

    """
    points = medians([sample for sample in samples if sample[0] >= after_s], block_s)
    if len(points) < _MIN_BLOCKS:
        return Slope(math.nan, math.nan, math.nan)
    minutes, memory = np.array(points).T
    minutes = minutes / 60
    centred = minutes - minutes.mean()
    rise = float(centred @ memory / (centred @ centred))
    rest = memory - memory.mean() - rise * centred
    error = math.sqrt(float(rest @ rest) / (len(points) - 2) / float(centred @ centred))
    return Slope(rise, rise - _TWO_SIDED_95 * error, rise + _TWO_SIDED_95 * error)
