"""What is looked at of a picture: regions of a frame, or an example in several lights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from framewatch_core.arrays import UInt8Array
from framewatch_core.images.image import Image
from framewatch_core.images.regions import WHOLE_FRAME, WHOLE_FRAME_ID, Region, least_shares
from framewatch_core.images.statistics import PictureStats
from framewatch_server.vision.pixels.decode import DecodeLimits, decode
from framewatch_server.vision.pixels.preprocess import PreprocessSpec, prepare
from framewatch_server.vision.pixels.statistics import picture_stats

EXPOSURES = (1.0, 0.5, 0.7, 1.4)
"""Factors of brightness that an example is looked at with, and grey as under infrared light besides.

Of a few pictures from one hour a model would learn that hour's light too. With these, examples from daylight still
separate at 0.4 and 1.8 times the brightness and without colour (docs/events.md has the figures).
"""

_LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R BT.601


@dataclass(frozen=True, slots=True)
class View:
    """What is looked at.

    Attributes:
        regions: at least one; each becomes an input of the model.
        is_example: the inputs are that of the first region in several lights.
        judged: ids of the regions whose pictures are measured for the judgement of their health, and with any the whole
            frame. Empty: nothing is measured.

    """

    regions: tuple[Region, ...] = (WHOLE_FRAME,)
    is_example: bool = False
    judged: frozenset[str] = frozenset()

    @property
    def input_count(self) -> int:
        """How many inputs of the model it becomes."""
        return len(EXPOSURES) + 1 if self.is_example else len(self.regions)

    @property
    def min_share(self) -> tuple[float, float]:
        """See `least_shares`."""
        return least_shares(self.regions)


WHOLE = View()


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """What was found.

    Attributes:
        inputs: the model's, RGB uint8 `[n, 3, height, width]`.
        pictures: by region id, the whole frame's under the empty one; empty unless the view is judged.

    """

    inputs: UInt8Array
    pictures: Mapping[str, PictureStats]


def look(image: Image, view: View, spec: PreprocessSpec, limits: DecodeLimits, *, reduced: bool = True) -> Seen:
    """Decodes a picture and prepares what is looked at.

    Args:
        image: as the caller gave it.
        view: what is looked at.
        spec: the checkpoint's.
        limits: see `decode`.
        reduced: large JPEGs are decoded at a fraction of their size where the model would not see more, and the quick
            resize is used; otherwise the pixels are the reference's own.

    Raises:
        ImageTooLarge, UnsupportedFormat, UndecodableImage.

    """
    pixels = decode(image, limits, _min_decoded_size(spec, view) if reduced else None)
    crops = {region.id: _crop(pixels, region) for region in view.regions}
    inputs = np.stack([prepare(crop, spec, exact=not reduced) for crop in crops.values()])
    judged = {WHOLE_FRAME_ID: pixels} if view.judged else {}
    judged |= {region_id: crop for region_id, crop in crops.items() if region_id in view.judged}
    pictures = {region_id: picture_stats(picture) for region_id, picture in judged.items()}
    return Seen(in_several_lights(inputs[0]) if view.is_example else inputs, pictures)


def in_several_lights(pixels: UInt8Array) -> UInt8Array:
    """An input `[3, height, width]` in the lights of `EXPOSURES` and in grey, `[5, 3, height, width]`."""
    exposed = [np.clip(pixels * np.float32(factor), 0, 255) for factor in EXPOSURES]
    grey = np.broadcast_to(np.tensordot(_LUMA, pixels.astype(np.float32), axes=1), pixels.shape)
    return np.stack([*exposed, grey]).astype(np.uint8)


def _crop(pixels: UInt8Array, region: Region) -> UInt8Array:
    if region is WHOLE_FRAME:
        return pixels
    left, top, right, bottom = region.pixel_box(pixels.shape[1], pixels.shape[0])
    return np.ascontiguousarray(pixels[top:bottom, left:right])


def _min_decoded_size(spec: PreprocessSpec, view: View) -> tuple[int, int]:
    """Width and height in pixels of the whole picture at which the smallest region has what the model sees."""
    width, height = spec.min_decoded_size
    least_width, least_height = view.min_share
    return round(width / least_width), round(height / least_height)
