"""Whether a part of the frame is black or over-exposed by itself."""

from __future__ import annotations

import math
from dataclasses import dataclass

from framewatch_core.health.problem import HealthProblem
from framewatch_core.images.statistics import PictureStats
from framewatch_core.time import NS_PER_S

LEARNING_TIME_S = 20.0
BLACK_SHARE = 0.995
BLACK_DETAIL = 1.0  # levels; dark clothes have folds
WHITE_SHARE = 0.98
WHITE_BEFORE = 0.15  # a thing that is taken away before a white wall leaves a white region, but it had white already


@dataclass(slots=True)
class RegionTones:
    """The share of white that a region's good pictures have; None: none seen yet."""

    white: float | None = None
    learned_ns: int = 0

    def problem(self, stats: PictureStats) -> HealthProblem | None:
        """BLACK, OVEREXPOSED or nothing."""
        if stats.black >= BLACK_SHARE and stats.lit == 0 and stats.detail < BLACK_DETAIL:
            return HealthProblem.BLACK
        if self.white is not None and self.white <= WHITE_BEFORE and stats.white >= WHITE_SHARE:
            return HealthProblem.OVEREXPOSED
        return None

    def learn(self, stats: PictureStats, time_ns: int) -> None:
        """Follows a good picture."""
        if self.white is None:
            self.white = stats.white
        elapsed_s = min(1.0, (time_ns - self.learned_ns) / NS_PER_S)
        self.white += (1 - math.exp(-elapsed_s / LEARNING_TIME_S)) * (stats.white - self.white)
        self.learned_ns = time_ns
