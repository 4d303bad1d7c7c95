"""Antialiased resize of 8-bit pictures, by Pillow's algorithm."""

from __future__ import annotations

import numpy as np
from PIL import Image as PillowImage

from framewatch_core.arrays import UInt8Array

_TORCH_MODES = {PillowImage.Resampling.BICUBIC: "bicubic", PillowImage.Resampling.BILINEAR: "bilinear"}

# A crop of a resized picture that has more than this many times its pixels is not worth resizing the rest for.
_MOST_WASTE = 4


def resize_crop(
    pixels: UInt8Array, size: tuple[int, int], box: tuple[int, int, int, int], resample: int, *, exact: bool
) -> UInt8Array:
    """Resizes a picture and crops it.

    Args:
        pixels: RGB, uint8 `[height, width, 3]`.
        size: height and width to resize to.
        box: top, left, height and width of the part of the resized picture that is kept.
        resample: Pillow's number of the filter.
        exact: True: exactly Pillow's pixels. False: a few are off by a level or two of 255, at a fifth of the cost.

    Returns:
        RGB, uint8 `[3, box height, box width]`, contiguous.

    """
    top, left, height, width = box
    is_wasteful = size[0] * size[1] > _MOST_WASTE * height * width
    mode = _TORCH_MODES.get(PillowImage.Resampling(resample))
    if exact or is_wasteful or mode is None:
        resized = _with_pillow(pixels, size, box, resample)
    else:
        resized = _with_torch(pixels, size, mode)[top : top + height, left : left + width]
    return np.ascontiguousarray(resized.transpose(2, 0, 1))


def _with_pillow(
    pixels: UInt8Array, size: tuple[int, int], box: tuple[int, int, int, int], resample: int
) -> UInt8Array:
    """Resizes only the part that is kept: the box in the picture's own coordinates."""
    top, left, height, width = box
    y_scale, x_scale = pixels.shape[0] / size[0], pixels.shape[1] / size[1]
    own_box = (left * x_scale, top * y_scale, (left + width) * x_scale, (top + height) * y_scale)
    picture = PillowImage.fromarray(pixels)
    return np.asarray(picture.resize((width, height), PillowImage.Resampling(resample), own_box))


def _with_torch(pixels: UInt8Array, size: tuple[int, int], mode: str) -> UInt8Array:
    """Resizes with Pillow's algorithm in whole numbers and vector instructions; runs on the calling thread."""
    # torch is heavy, and commands that don't resize import this module too: the health check, `--help`
    import torch  # noqa: PLC0415

    writeable = pixels if pixels.flags.writeable else pixels.copy()  # torch warns about read-only arrays
    planes = torch.from_numpy(writeable).permute(2, 0, 1)[None]
    resized = torch.nn.functional.interpolate(planes, size, mode=mode, antialias=True)
    return np.asarray(resized[0].permute(1, 2, 0).numpy())
