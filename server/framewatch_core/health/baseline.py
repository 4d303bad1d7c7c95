"""What a stream's good pictures look like, and whether a picture has lost it.

A picture is held against the baseline by its edges alone: the regression of its edges on the baseline's is near 1 as
long as the camera shows the same place, whatever the noise, since noise goes along with no edge. People and things hide
a part of them; a covered lens leaves none, and one out of focus few.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from framewatch_core.arrays import Float32Array
from framewatch_core.health.problem import HealthProblem
from framewatch_core.images.statistics import PictureStats

LEARNING_TIME_S = 20.0

# Measured on two videos, plain and with noise, darkened, brightened and compressed, against covers and blurs; each
# threshold lies about midway on a logarithmic scale.
KEPT_EDGES = 0.2  # good pictures: at least 0.5; out of focus by 2 % of the width: at most 0.14; covered: 0.02
KEPT_EDGES_IF_SOFT = 0.35  # out of focus by 1 % of the width: 0.21 to 0.45
SAME_SHAPE = 0.75  # of weaker edges, when the lights went out: 0.9; out of focus: 0.6
AS_DIM = 0.4  # of the light's share; when the lights went out: 1; seen through a cover: 0.2
UNIFORM_DETAIL = 1.5  # levels; darkened to 0.4: at least 3.4; a cover with noise of 15 levels: 1.0
BLANK_DETAIL = 0.25  # levels, of the very first picture: an empty plain table in soft light has 0.4
UNIFORM_SHARE = 0.3  # of the baseline's detail; good: at least 0.7; covers: 0.1
SOFT_DETAIL_SHARE = 0.75
SOFT_SHARE = 0.72  # of the baseline's softness; good: at least 0.85; out of focus: 0.4, with noise 0.63
COARSE_EDGES = 0.2  # out of focus by 4 % of the width: 0.35; covered: 0.02, or what the cover lets through
AS_BEFORE_LEVELS, AS_BEFORE_SHARE = 5.0, 0.06
AS_BEFORE_CELLS = 0.5

BLACK_SHARE = 0.98
LIT_SHARE = 0.002  # a few lamps of a night scene are more
WHITE_SHARE = 0.985  # brightened by 1.8: 0.95 at most
UNCLIPPED_SHARE = 0.3  # of what was not white before
MOSTLY_WHITE = 0.75
LITTLE_WHITE = 0.25
KEPT_EDGES_IN_WHITE = 0.3  # brightened by 1.8: at least 0.56


@dataclass(slots=True)
class Baseline:
    """The slowly followed mean of good pictures.

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
        """Follows a good picture; the first ones count alike."""
        self.count += 1
        weight = max(1 - math.exp(-elapsed_s / LEARNING_TIME_S), 1 / self.count)
        self.edges = self.edges + np.float32(weight) * (stats.edges - self.edges)
        self.grey = self.grey + np.float32(weight) * (stats.grey - self.grey)
        self.detail += weight * (stats.detail - self.detail)
        self.softness += weight * (stats.softness - self.softness)
        self.white += weight * (stats.white - self.white)


def lost(stats: PictureStats, baseline: Baseline | None) -> HealthProblem | None:
    """What has taken the picture away, if anything: BLACK, OVEREXPOSED, COVERED, BLURRED."""
    if stats.black >= BLACK_SHARE and stats.lit <= LIT_SHARE:
        return HealthProblem.BLACK
    if _is_white(stats, baseline):
        return HealthProblem.OVEREXPOSED
    if baseline is None:
        return HealthProblem.COVERED if stats.detail < BLANK_DETAIL else None
    # a plain place has nothing to lose but noise
    return None if baseline.detail < UNIFORM_DETAIL else _lost_detail(stats, baseline)


def _is_white(stats: PictureStats, baseline: Baseline | None) -> bool:
    if baseline is None:
        return stats.white >= WHITE_SHARE
    if stats.white >= WHITE_SHARE:
        return 1 - stats.white <= UNCLIPPED_SHARE * (1 - baseline.white)
    if stats.white < MOSTLY_WHITE:
        return False
    return baseline.white <= LITTLE_WHITE or slope(stats.edges, baseline.edges) < KEPT_EDGES_IN_WHITE


def _lost_detail(stats: PictureStats, baseline: Baseline) -> HealthProblem | None:
    kept = slope(stats.edges, baseline.edges)
    if kept >= KEPT_EDGES_IF_SOFT or _is_dimmed(kept, stats, baseline):
        return None
    uniform = kept < KEPT_EDGES and stats.detail < max(UNIFORM_DETAIL, UNIFORM_SHARE * baseline.detail)
    soft = stats.detail < SOFT_DETAIL_SHARE * baseline.detail and stats.softness < SOFT_SHARE * baseline.softness
    if not (uniform or soft):
        return None
    if not soft and _is_mostly_as_before(stats.grey, baseline.grey):
        return None
    coarse = slope(coarse_edges(stats.grey), coarse_edges(baseline.grey))
    return HealthProblem.BLURRED if coarse >= COARSE_EDGES else HealthProblem.COVERED


def _is_mostly_as_before(now: Float32Array, before: Float32Array) -> bool:
    """Whether most of the picture is as light as it was: what was taken from a plain place takes its edges along."""
    levels = max(AS_BEFORE_LEVELS, AS_BEFORE_SHARE * float(before.mean()))
    return float(np.mean(np.abs(now - before) <= levels)) >= AS_BEFORE_CELLS


def _is_dimmed(kept: float, stats: PictureStats, baseline: Baseline) -> bool:
    """Whether few edges are kept since there is less light, which hides nothing."""
    light = float(stats.grey.mean()) / max(1.0, float(baseline.grey.mean()))
    return kept >= AS_DIM * light and correlation(stats.edges, baseline.edges) >= SAME_SHAPE


def slope(values: Float32Array, of: Float32Array) -> float:
    """The least-squares factor by which `of` explains `values`; 0 where it explains nothing."""
    norm = float(np.vdot(of, of))
    return float(np.vdot(values, of)) / norm if norm > 0 else 0.0


def correlation(one: Float32Array, other: Float32Array) -> float:
    """The cosine of both, in [-1, 1]: what `slope` is when both are equally strong; 0 where one is all zero."""
    norm = math.sqrt(float(np.vdot(one, one)) * float(np.vdot(other, other)))
    return float(np.vdot(one, other)) / norm if norm > 0 else 0.0


def coarse_edges(grey: Float32Array) -> Float32Array:
    """What 16 × 16 cells have beyond their four neighbours."""
    cells = grey.reshape(16, 4, 16, 4).mean(axis=(1, 3))
    beside = cells[:-2, 1:-1] + cells[2:, 1:-1] + cells[1:-1, :-2] + cells[1:-1, 2:]
    return np.ascontiguousarray(cells[1:-1, 1:-1] - beside / 4, np.float32)
