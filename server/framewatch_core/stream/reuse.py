"""Whether a frame shows anything that the frame embedded before it did not show."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from framewatch_core.errors import InvalidRequest
from framewatch_core.time import NS_PER_S

DEFAULT_MAX_AGE_NS = 10 * NS_PER_S

THUMBNAIL_SIDE = 32
"""Cells in each direction of what is compared."""

Thumbnail = npt.NDArray[np.uint8]
"""Grey cells `[regions, THUMBNAIL_SIDE, THUMBNAIL_SIDE]`, 0 is black and 255 white."""


@dataclass(frozen=True, slots=True)
class ReusePolicy:
    """When a frame may be scored by the embedding of an earlier one; see `Reuse` in the .proto.

    Attributes:
        change_threshold: a frame may whose `change` is less than this, in [0, 1]; at 0 only one whose image is the same
            to the byte.
        max_age_ns: it may not from this time after the embedded one on; 0: never.

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
        """Whether thumbnails are needed."""
        return self.change_threshold > 0 and self.max_age_ns > 0

    def allows_age(self, age_ns: int) -> bool:
        """Whether an embedding of that age may serve; frames are not always judged in their order."""
        return abs(age_ns) < self.max_age_ns

    def allows_change(self, embedded: Thumbnail, seen: Thumbnail) -> bool:
        """Whether a frame shows too little that is new to be embedded."""
        return change(embedded, seen) < self.change_threshold


def change(one: Thumbnail, other: Thumbnail) -> float:
    """The largest difference of a cell, as a share of the range from black to white, in [0, 1].

    The largest and not the mean: what enters a picture is small at first.
    """
    return float(np.abs(one.astype(np.int16) - other).max()) / 255
