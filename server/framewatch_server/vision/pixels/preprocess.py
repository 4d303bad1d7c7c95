"""Preprocessing of RGB pixels to the model's input, by the settings of the checkpoint's image processor.

The reference is transformers' PIL-backed image processor: resize (Pillow), centre crop, scale, normalise. Resize and
crop happen here, on 8-bit pixels; scaling and normalising are one multiplication and one addition on the device.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image as PillowImage

from framewatch_core.arrays import UInt8Array
from framewatch_core.errors import ModelLoadError
from framewatch_server.vision.pixels.resize import resize_crop

# A JPEG is decoded at a fraction of its size if that is still so many times the size that it is resized to.
_REDUCED_DECODE_MARGIN = 1.5

# Senders that shrink pictures by their own means keep a larger margin.
_USEFUL_MARGIN = 2


@dataclass(frozen=True, slots=True)
class PreprocessSpec:
    """Description of a checkpoint's preprocessing.

    Attributes:
        resize: (height, width), or the length of the shorter side; None: no resize.
        crop: (height, width) of the centre that is kept; None: no crop.
        resample: Pillow's number of the filter.
        mean, std: per channel, of pixel values scaled by `rescale`.
        rescale: factor of 8-bit pixel values; usually 1/255.
        crops_as_torchvision: where the centre lies half a pixel off, the crop begins at the even one of the two pixels,
            the rule of torchvision; False: always at the first one, the rule of transformers.

    """

    resize: tuple[int, int] | int | None
    crop: tuple[int, int] | None
    resample: int
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    rescale: float = 1 / 255
    crops_as_torchvision: bool = False

    @classmethod
    def from_processor(cls, config: Mapping[str, Any]) -> PreprocessSpec:
        """Reads a transformers image processor's `to_dict()`. Raises ModelLoadError for one that isn't supported."""
        if config.get("do_pad"):
            raise ModelLoadError("the checkpoint's image processor pads pictures, which isn't supported")
        normalises = config.get("do_normalize", True)
        return cls(
            resize=_resize_target(config["size"]) if config.get("do_resize", True) else None,
            crop=_height_width(config["crop_size"]) if config.get("do_center_crop") else None,
            resample=int(config.get("resample", PillowImage.Resampling.BICUBIC)),
            mean=_triple(config["image_mean"]) if normalises else (0.0, 0.0, 0.0),
            std=_triple(config["image_std"]) if normalises else (1.0, 1.0, 1.0),
            rescale=float(config.get("rescale_factor", 1 / 255)) if config.get("do_rescale", True) else 1.0,
        )

    @classmethod
    def from_open_clip(cls, config: Mapping[str, Any]) -> PreprocessSpec:
        """Reads OpenCLIP's whole `preprocess_cfg`. Raises ModelLoadError for one that isn't supported."""
        size, mode = _pair(config["size"]), config["resize_mode"]
        if mode != "squash" and (mode != "shortest" or size[0] != size[1]):
            raise ModelLoadError(
                f"the checkpoint resizes pictures to {size[0]} × {size[1]} by {mode!r}, which isn't supported: "
                "expected the resize_mode 'squash', or 'shortest' with a square input"
            )
        is_squashed = mode == "squash"
        # open_clip's image_transform_v2: anything but bilinear becomes bicubic
        is_bilinear = config["interpolation"] == "bilinear"
        return cls(
            resize=size if is_squashed else size[0],
            crop=None if is_squashed else size,
            resample=PillowImage.Resampling.BILINEAR if is_bilinear else PillowImage.Resampling.BICUBIC,
            mean=_triple(config["mean"]),
            std=_triple(config["std"]),
            crops_as_torchvision=True,
        )

    @property
    def output_size(self) -> tuple[int, int]:
        """Height and width of the model's input, in pixels. Raises ModelLoadError if it depends on the picture."""
        if self.crop is not None:
            return self.crop
        if isinstance(self.resize, tuple):
            return self.resize
        raise ModelLoadError("the checkpoint's image processor gives inputs of varying size, which isn't supported")

    def resized_size(self, height: int, width: int) -> tuple[int, int]:
        """Returns the size (height, width) that a picture of a given size is resized to, before the crop."""
        if self.resize is None:
            return height, width
        if isinstance(self.resize, tuple):
            return self.resize
        # transformers' get_resize_output_image_size: the longer side is rounded down to whole pixels
        short, long = min(height, width), max(height, width)
        new_long = int(self.resize * long / short)
        return (self.resize, new_long) if height <= width else (new_long, self.resize)

    @property
    def _resized_side(self) -> int:
        """Length, in pixels, that a square picture's sides are resized to."""
        return self.resize if isinstance(self.resize, int) else max(self.resize or self.output_size)

    @property
    def useful_short_side(self) -> int:
        """Length of the shorter side, in pixels, above which a larger picture doesn't change the scores visibly."""
        return self._resized_side * _USEFUL_MARGIN

    @property
    def min_decoded_size(self) -> tuple[int, int]:
        """Least width and height of a decoded picture, in pixels, for `decode`."""
        side = round(self._resized_side * _REDUCED_DECODE_MARGIN)
        return side, side


def prepare(pixels: UInt8Array, spec: PreprocessSpec, *, exact: bool = False) -> UInt8Array:
    """Resizes and crops a picture.

    Args:
        pixels: RGB, uint8 `[height, width, 3]`.
        spec: the checkpoint's.
        exact: True: exactly the reference's pixels. False: a few are off by a level or two of 255, at a fifth of the
            cost.

    Returns:
        RGB, uint8 `[3, *spec.output_size]`, contiguous.

    """
    height, width = pixels.shape[:2]
    new_height, new_width = spec.resized_size(height, width)
    box = _crop_box(spec, new_height, new_width)
    return _padded(resize_crop(pixels, (new_height, new_width), box, spec.resample, exact=exact), spec.output_size)


def _crop_box(spec: PreprocessSpec, height: int, width: int) -> tuple[int, int, int, int]:
    """Returns top, left, height and width of the part of the resized picture that is kept."""
    crop_height, crop_width = spec.crop or (height, width)
    halves = (height - crop_height) / 2, (width - crop_width) / 2
    top, left = (max(0, round(half) if spec.crops_as_torchvision else math.floor(half)) for half in halves)
    return top, left, min(height, crop_height), min(width, crop_width)


def _padded(pixels: UInt8Array, size: tuple[int, int]) -> UInt8Array:
    """Adds black around a picture that is smaller than the crop, in the places of transformers' center_crop."""
    missing_height, missing_width = size[0] - pixels.shape[1], size[1] - pixels.shape[2]
    if not missing_height and not missing_width:
        return pixels
    top, left = math.ceil(missing_height / 2), math.ceil(missing_width / 2)
    return np.pad(pixels, ((0, 0), (top, missing_height - top), (left, missing_width - left)))


def _resize_target(size: Mapping[str, Any]) -> tuple[int, int] | int:
    if size.get("height") and size.get("width"):
        return int(size["height"]), int(size["width"])
    if size.get("shortest_edge") and not size.get("longest_edge"):
        return int(size["shortest_edge"])
    raise ModelLoadError(f"the checkpoint's image processor resizes to {dict(size)}, which isn't supported")


def _height_width(size: Mapping[str, Any]) -> tuple[int, int]:
    return int(size["height"]), int(size["width"])


def _pair(size: int | Sequence[int]) -> tuple[int, int]:
    height, width = (size, size) if isinstance(size, int) else size
    return int(height), int(width)


def _triple(values: Any) -> tuple[float, float, float]:
    red, green, blue = (float(value) for value in values)
    return red, green, blue
