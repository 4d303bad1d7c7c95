"""Measurements of a picture that its health is assessed by."""

from __future__ import annotations

import math
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from framewatch_core.arrays import Float32Array, UInt8Array
from framewatch_core.images.statistics import CAST_SIDE, GREY_SIDE, LUMA_SIDE, PictureStats

SAMPLED_SIDE = 256
"""Rows and columns that a picture is first brought to by taking single pixels.

The cost, and the effect of noise on the measurements, then hardly depend on its size. A multiple of the number of
cells, which makes their means quick.
"""

BLACK_LUMA = 20
WHITE_LUMA = 240
LIT_LUMA = 60


def picture_stats(pixels: UInt8Array) -> PictureStats:
    """Measures RGB uint8 `[height, width, 3]` of any size; about 0.25 ms."""
    sampled = cv2.resize(pixels, (SAMPLED_SIDE, SAMPLED_SIDE), interpolation=cv2.INTER_NEAREST)
    fine = _means(cv2.medianBlur(sampled, 3), GREY_SIDE)  # removes rain and noise, and keeps anything larger
    grey = np.asarray(cv2.cvtColor(fine, cv2.COLOR_RGB2GRAY), np.float32)
    luma = _means(grey, LUMA_SIDE)
    edges = _beyond_neighbours(grey)
    fine_rms, coarse_rms = _rms(edges), _rms(_beyond_neighbours(luma))
    return PictureStats(
        casts=_casts(_means(fine, CAST_SIDE)),
        luma=luma,
        grey=grey,
        edges=edges,
        points=_points(pixels),
        detail=_without_noise(coarse_rms, fine_rms),
        softness=fine_rms / coarse_rms if coarse_rms > 0 else 1.0,
        black=float((luma <= BLACK_LUMA).mean()),
        white=float((luma >= WHITE_LUMA).mean()),
        lit=float((luma > LIT_LUMA).mean()),
    )


def _means(pixels: npt.NDArray[Any], side: int) -> Float32Array:
    """Returns the means of `side` × `side` cells."""
    return np.asarray(cv2.resize(pixels, (side, side), interpolation=cv2.INTER_AREA), np.float32)


def _casts(rgb: Float32Array) -> Float32Array:
    return np.stack((rgb[..., 0] - rgb[..., 1], rgb[..., 2] - rgb[..., 1]), axis=-1)


def _beyond_neighbours(luma: Float32Array) -> Float32Array:
    return np.asarray(luma - cv2.blur(luma, (3, 3), borderType=cv2.BORDER_REFLECT_101), np.float32)


def _rms(values: Float32Array) -> float:
    return math.sqrt(float(np.vdot(values, values)) / values.size)


def _without_noise(coarse_rms: float, fine_rms: float) -> float:
    """Subtracts white noise: averaging 2 × 2 cells halves its amplitude, and hardly reduces a scene's."""
    return math.sqrt(max(0.0, 4 * coarse_rms**2 - fine_rms**2) / 3)


def _points(pixels: UInt8Array) -> UInt8Array:
    height, width = pixels.shape[:2]
    rows = (2 * np.arange(GREY_SIDE) + 1) * height // (2 * GREY_SIDE)
    columns = (2 * np.arange(GREY_SIDE) + 1) * width // (2 * GREY_SIDE)
    return np.asarray(pixels[rows[:, None], columns, 1])
