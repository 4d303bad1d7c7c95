"""The policy of reuse: when a frame shows so little new that an earlier frame's embedding serves."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from framewatch_core.errors import InvalidRequest
from framewatch_core.time import NS_PER_S

DEFAULT_MAX_AGE_NS = 10 * NS_PER_S
"""Age from which on an embedding is not reused, unless the config has another."""

THUMBNAIL_SIDE = 32
"""Cells of a thumbnail in each direction."""

Thumbnail = npt.NDArray[np.uint8]
"""Grey cells of a view's inputs `[inputs, THUMBNAIL_SIDE, THUMBNAIL_SIDE]`, 0 is black and 255 white."""


@dataclass(frozen=True, slots=True)
class ReusePolicy:
    """Conditions on which a frame is scored by a source frame's embedding; see `Reuse` in the .proto.

    Attributes:
        change_threshold: its `change` since the source frame is less than this, in [0, 1]; at 0 its image must be the
            same to the byte.
        max_age_ns: it comes less than this after the source frame, in frame time; 0: nothing is reused.

    Raises:
        InvalidRequest: with the field's path.

    """

    change_threshold: float = 0.0
    max_age_ns: int = DEFAULT_MAX_AGE_NS

    def __post_init__(self) -> None:
        threshold = self.change_threshold
        if not (math.isfinite(threshold) and 0 <= threshold <= 1):
            raise InvalidRequest(f"change_threshold is {threshold:g}: expected 0 to 1", "change_threshold")
        if self.max_age_ns < 0:
            raise InvalidRequest(f"max_age is {self.max_age_ns / NS_PER_S:g} s: expected 0 or more", "max_age")

    @property
    def compares(self) -> bool:
        """True if thumbnails are compared."""
        return self.change_threshold > 0 and self.max_age_ns > 0

    def allows_age(self, age_ns: int) -> bool:
        """True if an embedding of that age may serve; a negative age counts too: frames may be decided out of order."""
        return abs(age_ns) < self.max_age_ns

    def allows_change(self, source: Thumbnail, frame: Thumbnail) -> bool:
        """True if a frame shows too little new to be embedded."""
        return change(source, frame) < self.change_threshold


def change(one: Thumbnail, other: Thumbnail) -> float:
    """Returns the largest difference of a cell, as a share of the range from black to white, in [0, 1].

    It is the largest and not the mean, because an object that enters a picture is small at first.
    """
    return float(np.abs(one.astype(np.int16) - other).max()) / 255
