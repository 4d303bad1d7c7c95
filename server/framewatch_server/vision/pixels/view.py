"""Views: the model inputs of one picture, its regions or an example in several brightnesses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from framewatch_core.arrays import UInt8Array
from framewatch_core.errors import ImageTooLarge
from framewatch_core.images.image import Image
from framewatch_core.images.regions import WHOLE_FRAME, WHOLE_FRAME_ID, Region, least_shares
from framewatch_core.images.statistics import PictureStats
from framewatch_server.vision.pixels.decode import DecodeLimits, check
from framewatch_server.vision.pixels.preprocess import PreprocessSpec, prepare
from framewatch_server.vision.pixels.room import ANY_ROOM, PixelRoom
from framewatch_server.vision.pixels.statistics import picture_stats

EXPOSURES = (1.0, 0.5, 0.7, 1.4)
"""Factors of brightness that an example becomes inputs with; in addition it becomes a grey one, as in infrared light.

From a few pictures of one hour a model would learn that hour's light too. With these, examples from daylight still
separate at 0.4 and 1.8 times the brightness and without colour (docs/events.md has the figures).
"""

_Box: TypeAlias = tuple[int, int, int, int]  # left, top, right and bottom in pixels, see `Region.pixel_box`

# Pillow's pixels have four bytes; up to four times the model's width is made, and then cropped
_RESIZE_BYTES_PER_PIXEL = 16

_LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R BT.601


@dataclass(frozen=True, slots=True)
class View:
    """Description of the inputs that are made of a picture.

    Attributes:
        regions: at least one; each becomes an input of the model.
        is_example: True: the inputs are the first region in several brightnesses.
        assessed: ids of the regions whose picture health is assessed: their pictures are measured, and with any of
            them the whole frame. Empty: nothing is measured.

    """

    regions: tuple[Region, ...] = (WHOLE_FRAME,)
    is_example: bool = False
    assessed: frozenset[str] = frozenset()

    @property
    def input_count(self) -> int:
        """Number of inputs of the model that the view becomes."""
        return len(EXPOSURES) + 1 if self.is_example else len(self.regions)

    @property
    def min_share(self) -> tuple[float, float]:
        """Smallest width and smallest height of the regions, see `least_shares`."""
        return least_shares(self.regions)


WHOLE = View()


@dataclass(frozen=True, slots=True, eq=False)
class PreparedView:
    """The inputs and measurements that a picture's view became.

    Attributes:
        inputs: the model's, RGB uint8 `[n, 3, height, width]`.
        pictures: measurements by region id, the whole frame's under the empty one; empty if nothing is assessed.

    """

    inputs: UInt8Array
    pictures: Mapping[str, PictureStats]


def prepare_view(
    image: Image,
    view: View,
    spec: PreprocessSpec,
    limits: DecodeLimits,
    *,
    reduced: bool = True,
    room: PixelRoom = ANY_ROOM,
) -> PreparedView:
    """Decodes an image and prepares the inputs of its view, one region after the other.

    Args:
        image: from the caller.
        view: describes the inputs.
        spec: the checkpoint's.
        limits: see `DecodeLimits`.
        reduced: True: large JPEGs are decoded at a fraction of their size where the model would not see more, and the
            quick resize is used. False: the pixels are exactly the reference's.
        room: waited for before anything is decoded.

    Raises:
        ImageTooLarge, UnsupportedFormat, UndecodableImage.

    """
    checked = check(image, limits, _min_decoded_size(spec, view) if reduced else None)
    boxes = [region.pixel_box(checked.width, checked.height) for region in view.regions]
    _check_region_pixels(boxes, limits)
    with room.hold(checked.held_bytes + _resize_bytes(boxes, spec)):
        return _prepare(checked.decode(), view, boxes, spec, exact=not reduced)


def _prepare(
    pixels: UInt8Array, view: View, boxes: Sequence[_Box], spec: PreprocessSpec, *, exact: bool
) -> PreparedView:
    """Prepares and measures the regions, which are views of the picture: none is copied before its turn."""
    pictures = {WHOLE_FRAME_ID: picture_stats(pixels)} if view.assessed else {}
    inputs = np.empty((len(boxes), 3, *spec.output_size), np.uint8)
    for i, (region, (left, top, right, bottom)) in enumerate(zip(view.regions, boxes, strict=True)):
        part = pixels[top:bottom, left:right]
        inputs[i] = prepare(part, spec, exact=exact)
        if region.id in view.assessed and region.id not in pictures:
            pictures[region.id] = picture_stats(part)
    return PreparedView(in_several_brightnesses(inputs[0]) if view.is_example else inputs, pictures)


def _resize_bytes(boxes: Sequence[_Box], spec: PreprocessSpec) -> int:
    """Returns an upper bound of what a resize holds between its two directions: rows of the model's width."""
    rows = max(bottom - top for _, top, _, bottom in boxes)
    return rows * max(spec.output_size) * _RESIZE_BYTES_PER_PIXEL


def _check_region_pixels(boxes: Sequence[_Box], limits: DecodeLimits) -> None:
    """Raises ImageTooLarge if resizing the regions would take too long: about a second for the limit's default."""
    pixels = sum((right - left) * (bottom - top) for left, top, right, bottom in boxes)
    if len(boxes) > 1 and pixels > limits.max_region_pixels:
        raise ImageTooLarge(
            "pixels of the regions together (send smaller pictures, or regions that overlap less)",
            limit="max_region_pixels",
            maximum=limits.max_region_pixels,
            actual=pixels,
        )


def in_several_brightnesses(pixels: UInt8Array) -> UInt8Array:
    """Returns an input `[3, height, width]` in the brightnesses of `EXPOSURES` and in grey, `[5, 3, height, width]`."""
    exposed = [np.clip(pixels * np.float32(factor), 0, 255) for factor in EXPOSURES]
    grey = np.broadcast_to(np.tensordot(_LUMA, pixels.astype(np.float32), axes=1), pixels.shape)
    return np.stack([*exposed, grey]).astype(np.uint8)


def _min_decoded_size(spec: PreprocessSpec, view: View) -> tuple[int, int]:
    """Returns width and height in pixels of the whole picture at which the smallest region is as large as needed."""
    width, height = spec.min_decoded_size
    least_width, least_height = view.min_share
    return round(width / least_width), round(height / least_height)
