"""Baseline of a stream's good pictures, and the loss of it: BLACK, OVEREXPOSED, COVERED or BLURRED.

A picture is compared with the baseline by its edges alone: the slope of the regression of its edges on the baseline's
is near 1 as long as the camera shows the same place, whatever the noise, since noise correlates with no edge. People
and things hide a part of the edges; a covered lens leaves none, and one out of focus few.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from framewatch_core.arrays import Float32Array
from framewatch_core.health.problem import HealthProblem
from framewatch_core.health.tuning import TUNING
from framewatch_core.images.statistics import PictureStats


@dataclass(slots=True)
class Baseline:
    """Mean of good pictures, followed slowly.

    Attributes:
        edges, grey: as in PictureStats.
        detail, softness, white: as there.
        count: pictures learned.

    """

    edges: Float32Array
    grey: Float32Array
    detail: float
    softness: float
    white: float
    count: int = field(default=1)

    @classmethod
    def of(cls, stats: PictureStats) -> Baseline:
        """Begins with one good picture."""
        return cls(stats.edges, stats.grey, stats.detail, stats.softness, stats.white)

    def learn(self, stats: PictureStats, elapsed_s: float) -> None:
        """Takes a good picture; the first ones have equal weight."""
        self.count += 1
        weight = max(1 - math.exp(-elapsed_s / TUNING.learning_time_s), 1 / self.count)
        self.edges = self.edges + np.float32(weight) * (stats.edges - self.edges)
        self.grey = self.grey + np.float32(weight) * (stats.grey - self.grey)
        self.detail += weight * (stats.detail - self.detail)
        self.softness += weight * (stats.softness - self.softness)
        self.white += weight * (stats.white - self.white)


def find_loss(stats: PictureStats, baseline: Baseline | None) -> HealthProblem | None:
    """Returns the problem that keeps a picture from showing its scene: BLACK, OVEREXPOSED, COVERED, BLURRED or None.

    Args:
        stats: of the picture.
        baseline: of the good pictures before it; None: there were none.

    """
    if stats.black >= TUNING.black_share and stats.lit <= TUNING.black_lit_share:
        return HealthProblem.BLACK
    if _is_white(stats, baseline):
        return HealthProblem.OVEREXPOSED
    if baseline is None:
        return HealthProblem.COVERED if stats.detail < TUNING.blank_detail else None
    # a plain place has nothing to lose but noise
    return None if baseline.detail < TUNING.uniform_detail else _find_lost_detail(stats, baseline)


def _is_white(stats: PictureStats, baseline: Baseline | None) -> bool:
    if baseline is None:
        return stats.white >= TUNING.white_share
    if stats.white >= TUNING.white_share:
        return 1 - stats.white <= TUNING.unclipped_share * (1 - baseline.white)
    if stats.white < TUNING.mostly_white_share:
        return False
    return baseline.white <= TUNING.little_white_share or slope(stats.edges, baseline.edges) < TUNING.white_kept_edges


def _find_lost_detail(stats: PictureStats, baseline: Baseline) -> HealthProblem | None:
    kept = slope(stats.edges, baseline.edges)
    if kept >= TUNING.kept_edges_if_soft or _is_dimmed(kept, stats, baseline):
        return None
    least_detail = max(TUNING.uniform_detail, TUNING.uniform_detail_share * baseline.detail)
    is_uniform = kept < TUNING.kept_edges and stats.detail < least_detail
    has_lost_detail = stats.detail < TUNING.soft_detail_share * baseline.detail
    is_soft = has_lost_detail and stats.softness < TUNING.soft_share * baseline.softness
    if not (is_uniform or is_soft):
        return None
    if not is_soft and _is_mostly_as_before(stats.grey, baseline.grey):
        return None
    coarse = slope(coarse_edges(stats.grey), coarse_edges(baseline.grey))
    return HealthProblem.BLURRED if coarse >= TUNING.blurred_coarse_edges else HealthProblem.COVERED


def _is_mostly_as_before(now: Float32Array, before: Float32Array) -> bool:
    """Returns True if most cells have their level: a thing that is taken from a plain place takes the edges with it."""
    levels = max(TUNING.unchanged_levels, TUNING.unchanged_level_share * float(before.mean()))
    return float(np.mean(np.abs(now - before) <= levels)) >= TUNING.unchanged_cells_share


def _is_dimmed(kept: float, stats: PictureStats, baseline: Baseline) -> bool:
    """Returns True if edges are weak because there is less light, which hides nothing."""
    light = float(stats.grey.mean()) / max(1.0, float(baseline.grey.mean()))
    if kept < TUNING.dimmed_kept_edges * light:
        return False
    return correlation(stats.edges, baseline.edges) >= TUNING.dimmed_correlation


def slope(values: Float32Array, of: Float32Array) -> float:
    """Returns the least-squares factor by which `of` explains `values`; 0 where it explains nothing."""
    norm = float(np.vdot(of, of))
    return float(np.vdot(values, of)) / norm if norm > 0 else 0.0


def correlation(one: Float32Array, other: Float32Array) -> float:
    """Returns the cosine of both, in [-1, 1]: their slope if both were equally strong; 0 where one is all zero."""
    norm = math.sqrt(float(np.vdot(one, one)) * float(np.vdot(other, other)))
    return float(np.vdot(one, other)) / norm if norm > 0 else 0.0


def coarse_edges(grey: Float32Array) -> Float32Array:
    """Returns 16 × 16 cells less the mean of their four neighbours, without the border: float32 `[14, 14]`."""
    cells = grey.reshape(16, 4, 16, 4).mean(axis=(1, 3))
    beside = cells[:-2, 1:-1] + cells[2:, 1:-1] + cells[1:-1, :-2] + cells[1:-1, 2:]
    return np.ascontiguousarray(cells[1:-1, 1:-1] - beside / 4, np.float32)
