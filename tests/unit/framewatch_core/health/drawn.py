"""Pictures drawn as arrays and measured by the definitions of PictureStats: no decoder, no OpenCV."""

from __future__ import annotations

import math

import numpy as np

from framewatch_core.arrays import Float32Array
from framewatch_core.images.statistics import CAST_SIDE, GREY_SIDE, LUMA_SIDE, PictureStats

RNG = np.random.default_rng(4)
LUMA_WEIGHTS = np.array([0.299, 0.587, 0.114], np.float32)


def room(seed: int = 1) -> Float32Array:
    """A coloured wall and floor with things before them: levels, `[64, 64, 3]`, as all pictures here."""
    rng = np.random.default_rng(seed)
    picture = np.full((GREY_SIDE, GREY_SIDE, 3), (170, 160, 140), np.float32)
    picture[40:] = (120, 80, 50)
    for _ in range(25):
        top, left = rng.integers(0, 58, 2)
        height, width = rng.integers(4, 16, 2)
        picture[top : top + height, left : left + width] = rng.integers(20, 240, 3)
    return picture


def uniform(level: float) -> Float32Array:
    return np.full((GREY_SIDE, GREY_SIDE, 3), level, np.float32)


def covered() -> Float32Array:
    """A single colour, darker from corner to corner."""
    down, across = np.mgrid[0 : 1 : GREY_SIDE * 1j, 0 : 1 : GREY_SIDE * 1j].astype(np.float32)
    return np.asarray((70, 50, 42) + 25 * (0.5 - (down + across) / 2)[..., None], np.float32)


def blurred(picture: Float32Array) -> Float32Array:
    """The picture out of focus by a few cells."""
    for _ in range(6):
        picture = np.stack([neighbours_mean(picture[..., i]) for i in range(3)], axis=-1)
    return picture


def grey_light(picture: Float32Array) -> Float32Array:
    """The picture by infrared light: without colours, and lighter."""
    return np.repeat((235 * ((picture @ LUMA_WEIGHTS) / 255) ** 0.7)[..., None], 3, axis=2)


def noisy(picture: Float32Array, sigma: float = 0.7) -> Float32Array:
    return np.clip(picture + RNG.normal(0, sigma, picture.shape), 0, 255).astype(np.float32)


def measure(picture: Float32Array) -> PictureStats:
    """Statistics of a picture whose pixels are the cells of `PictureStats.grey`."""
    grey = picture @ LUMA_WEIGHTS
    luma = means(grey, LUMA_SIDE)
    edges = grey - neighbours_mean(grey)
    fine, coarse = rms(edges), rms(luma - neighbours_mean(luma))
    casts = means(picture, CAST_SIDE)
    return PictureStats(
        casts=np.stack((casts[..., 0] - casts[..., 1], casts[..., 2] - casts[..., 1]), axis=-1),
        luma=luma,
        grey=grey,
        edges=edges,
        points=np.rint(picture[..., 1]).astype(np.uint8),
        detail=math.sqrt(max(0.0, 4 * coarse**2 - fine**2) / 3),
        softness=fine / coarse if coarse > 0 else 1.0,
        black=float((luma <= 20).mean()),
        white=float((luma >= 240).mean()),
        lit=float((luma > 60).mean()),
    )


def means(values: Float32Array, side: int) -> Float32Array:
    """Means of `side` × `side` cells."""
    cell = GREY_SIDE // side
    return np.asarray(values.reshape(side, cell, side, cell, *values.shape[2:]).mean(axis=(1, 3)), np.float32)


def neighbours_mean(values: Float32Array) -> Float32Array:
    """Mean of each cell's 3 × 3 neighbours."""
    padded = np.pad(values, 1, mode="reflect")
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3))
    return np.asarray(windows.mean(axis=(2, 3)), np.float32)


def rms(values: Float32Array) -> float:
    return math.sqrt(float(np.mean(values**2)))
