"""Frozen pictures: the same for longer than a living sensor could give."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from framewatch_core.arrays import Float32Array, UInt8Array
from framewatch_core.health.tuning import TUNING
from framewatch_core.images.statistics import PictureStats
from framewatch_core.time import Moment


@dataclass(slots=True)
class StillPicture:
    """A picture that all pictures since have been the same as.

    Attributes:
        grey: of the picture; see PictureStats.
        points: of the last picture; see there.
        since: the picture's frame.
        frame_count: frames after it.
        same_count: those of them without the noise of a living sensor.

    """

    grey: Float32Array
    points: UInt8Array
    since: Moment
    frame_count: int = field(default=0)
    same_count: int = field(default=0)

    @classmethod
    def of(cls, stats: PictureStats, at: Moment) -> StillPicture:
        """Begins with one picture."""
        return cls(stats.grey, stats.points, at)

    def followed_by(self, stats: PictureStats, at: Moment) -> StillPicture:
        """Returns itself with one more picture, or the new picture by itself if it has changed."""
        if self._has_changed(stats):
            return StillPicture.of(stats, at)
        self.frame_count += 1
        self.same_count += bool(np.mean(stats.points == self.points) >= TUNING.same_points_share)
        self.points = stats.points
        return self

    def is_frozen(self, at: Moment, frozen_after_ns: int) -> bool:
        """Returns True if it has been the same for that long, and most frames without a sensor's noise."""
        if at.time_ns - self.since.time_ns < frozen_after_ns:
            return False
        return self.same_count > TUNING.same_frames_share * self.frame_count

    def _has_changed(self, stats: PictureStats) -> bool:
        change = np.abs(stats.grey - self.grey)
        return bool(change.mean() > TUNING.still_mean_levels or change.max() > TUNING.still_cell_levels)
