"""Regions: parts of a frame that are scored by themselves."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from framewatch_core.errors import InvalidRegion
from framewatch_core.limits import check_limit, check_name
from framewatch_core.quoting import quoted

MAX_REGIONS = 64

WHOLE_FRAME_ID = ""

# a region narrower than this has one pixel of the largest frame
_LEAST_SHARE = 1e-6

# fractions with a few decimals may sum up to this much more than 1
_ROUNDING = 1e-6


@dataclass(frozen=True, slots=True)
class Region:
    """A part of the frame; all but the id are fractions of its width or height.

    Attributes:
        id: 1 to 256 characters, or empty for the whole frame.
        x, y: left and upper edge, in [0, 1).
        width, height: greater than 0, ending at 1 at most.

    Raises:
        InvalidRegion, LimitExceeded: with the field's path below the region.

    """

    id: str
    x: float
    y: float
    width: float
    height: float

    def __post_init__(self) -> None:
        check_name("the region's id", self.id, "id")
        for start, size in (("x", "width"), ("y", "height")):
            self._check_extent(start, size)

    def _check_extent(self, start_name: str, size_name: str) -> None:
        start, size = getattr(self, start_name), getattr(self, size_name)
        if not (math.isfinite(start) and 0 <= start < 1):
            raise InvalidRegion(f"{start_name} is {start:g}: expected a fraction of the frame, 0 to 1", start_name)
        if not (math.isfinite(size) and size > 0):
            raise InvalidRegion(f"{size_name} is {size:g}: expected a fraction of the frame, more than 0", size_name)
        if start + size > 1 + _ROUNDING:
            raise InvalidRegion(
                f"{start_name} + {size_name} is {start + size:g}: the region ends outside the frame, at 1", size_name
            )

    def pixel_box(self, frame_width: int, frame_height: int) -> tuple[int, int, int, int]:
        """Returns left, top, right and bottom in pixels of a frame of that size; right and bottom exclusive.

        The box has at least one pixel.
        """
        left, right = _pixel_span(self.x, self.width, frame_width)
        top, bottom = _pixel_span(self.y, self.height, frame_height)
        return left, top, right, bottom


WHOLE_FRAME = Region(WHOLE_FRAME_ID, 0.0, 0.0, 1.0, 1.0)


def least_shares(regions: Iterable[Region]) -> tuple[float, float]:
    """Returns the smallest width and smallest height of one or more regions, as shares of the frame; at least 1e-6."""
    widths, heights = zip(*((region.width, region.height) for region in regions), strict=True)
    return max(min(widths), _LEAST_SHARE), max(min(heights), _LEAST_SHARE)


def check_regions(regions: Sequence[Region]) -> None:
    """Raises InvalidRegion or LimitExceeded, with the field's path below the config, for regions that can't be used."""
    check_limit("regions", limit="max_regions", maximum=MAX_REGIONS, actual=len(regions), field="regions")
    seen: set[str] = set()
    for i, region in enumerate(regions):
        if not region.id.strip():
            raise InvalidRegion("the region has no id: give each region one", f"regions[{i}].id")
        if region.id in seen:
            raise InvalidRegion(
                f"several regions are called {quoted(region.id)}: ids must be unique", f"regions[{i}].id"
            )
        seen.add(region.id)


def _pixel_span(start: float, size: float, pixels: int) -> tuple[int, int]:
    first = min(round(start * pixels), pixels - 1)
    return first, min(pixels, max(first + 1, round((start + size) * pixels)))
