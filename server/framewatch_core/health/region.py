"""Health of a part of the frame by itself: black or over-exposed."""

from __future__ import annotations

import math
from dataclasses import dataclass

from framewatch_core.health.problem import HealthProblem
from framewatch_core.health.tuning import TUNING
from framewatch_core.images.statistics import PictureStats
from framewatch_core.time import NS_PER_S


@dataclass(slots=True)
class RegionTones:
    """Tones of a region's good pictures.

    Attributes:
        white: their share of white cells, followed slowly; None: there was no good picture yet.
        learned_ns: time of the last of them.

    """

    white: float | None = None
    learned_ns: int = 0

    def find_problem(self, stats: PictureStats) -> HealthProblem | None:
        """Returns BLACK, OVEREXPOSED or None."""
        is_black = stats.black >= TUNING.region_black_share and stats.lit == 0
        if is_black and stats.detail < TUNING.region_black_detail:
            return HealthProblem.BLACK
        was_white = self.white is None or self.white > TUNING.region_white_before
        return HealthProblem.OVEREXPOSED if not was_white and stats.white >= TUNING.region_white_share else None

    def learn(self, stats: PictureStats, time_ns: int) -> None:
        """Takes a good picture."""
        if self.white is None:
            self.white = stats.white
        elapsed_s = min(TUNING.longest_step_s, (time_ns - self.learned_ns) / NS_PER_S)
        self.white += (1 - math.exp(-elapsed_s / TUNING.region_learning_time_s)) * (stats.white - self.white)
        self.learned_ns = time_ns
