"""Whether a picture has stayed the very same."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from framewatch_core.arrays import Float32Array, UInt8Array
from framewatch_core.images.statistics import PictureStats
from framewatch_core.time import Moment

# Levels. A frozen picture in a compressed video changes by 0.11 on average and 3.3 at most, where a key frame or
# the first refinements come; a quiet scene that moves by 1.4 within two seconds, and by 5.
MEAN_CHANGE = 0.3
CELL_CHANGE = 6.0
# Share of single pixels that are what they were in the frame before. Frozen: 0.9 and more in most frames; sensor noise
# of one level: 0.6 at most.
SAME_POINTS = 0.75
SAME_FRAMES = 0.5


@dataclass(slots=True)
class StillPicture:
    """The picture that all since have been the same as.

    Attributes:
        since: its frame.
        seen_count: frames since.
        same_count: those of them without the grain of a living sensor.

    """

    grey: Float32Array
    points: UInt8Array
    since: Moment
    seen_count: int = field(default=0)
    same_count: int = field(default=0)

    @classmethod
    def of(cls, stats: PictureStats, at: Moment) -> StillPicture:
        """Begins with one picture."""
        return cls(stats.grey, stats.points, at)

    def followed(self, stats: PictureStats, at: Moment) -> StillPicture:
        """With one more picture; the new picture by itself if it has changed."""
        if self._has_changed(stats):
            return StillPicture.of(stats, at)
        self.seen_count += 1
        self.same_count += bool(np.mean(stats.points == self.points) >= SAME_POINTS)
        self.points = stats.points
        return self

    def lasted(self, at: Moment, frozen_after_ns: int) -> bool:
        """Whether it has been the same for that long."""
        if at.time_ns - self.since.time_ns < frozen_after_ns:
            return False
        return self.same_count > SAME_FRAMES * self.seen_count

    def _has_changed(self, stats: PictureStats) -> bool:
        change = np.abs(stats.grey - self.grey)
        return bool(change.mean() > MEAN_CHANGE or change.max() > CELL_CHANGE)
