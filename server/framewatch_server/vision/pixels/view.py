"""Views: the model inputs of one picture, its regions or an example in several brightnesses."""

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
"""Factors of brightness that an example becomes inputs with; in addition it becomes a grey one, as in infrared light.

From a few pictures of one hour a model would learn that hour's light too. With these, examples from daylight still
separate at 0.4 and 1.8 times the brightness and without colour (docs/events.md has the figures).
"""

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
    image: Image, view: View, spec: PreprocessSpec, limits: DecodeLimits, *, reduced: bool = True
) -> PreparedView:
    """Decodes an image and prepares the inputs of its view.

    Args:
        image: from the caller.
        view: describes the inputs.
        spec: the checkpoint's.
        limits: see `decode`.
        reduced: True: large JPEGs are decoded at a fraction of their size where the model would not see more, and the
            quick resize is used. False: the pixels are exactly the reference's.

    Raises:
        ImageTooLarge, UnsupportedFormat, UndecodableImage.

    """
    pixels = decode(image, limits, _min_decoded_size(spec, view) if reduced else None)
    crops = {region.id: _crop(pixels, region) for region in view.regions}
    inputs = np.stack([prepare(crop, spec, exact=not reduced) for crop in crops.values()])
    assessed = {WHOLE_FRAME_ID: pixels} if view.assessed else {}
    assessed |= {region_id: crop for region_id, crop in crops.items() if region_id in view.assessed}
    pictures = {region_id: picture_stats(picture) for region_id, picture in assessed.items()}
    return PreparedView(in_several_brightnesses(inputs[0]) if view.is_example else inputs, pictures)


def in_several_brightnesses(pixels: UInt8Array) -> UInt8Array:
    """Returns an input `[3, height, width]` in the brightnesses of `EXPOSURES` and in grey, `[5, 3, height, width]`."""
    exposed = [np.clip(pixels * np.float32(factor), 0, 255) for factor in EXPOSURES]
    grey = np.broadcast_to(np.tensordot(_LUMA, pixels.astype(np.float32), axes=1), pixels.shape)
    return np.stack([*exposed, grey]).astype(np.uint8)


def _crop(pixels: UInt8Array, region: Region) -> UInt8Array:
    if region is WHOLE_FRAME:
        return pixels
    left, top, right, bottom = region.pixel_box(pixels.shape[1], pixels.shape[0])
    return np.ascontiguousarray(pixels[top:bottom, left:right])


def _min_decoded_size(spec: PreprocessSpec, view: View) -> tuple[int, int]:
    """Returns width and height in pixels of the whole picture at which the smallest region is as large as needed."""
    width, height = spec.min_decoded_size
    least_width, least_height = view.min_share
    return round(width / least_width), round(height / least_height)
