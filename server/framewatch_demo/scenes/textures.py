"""Noise fields and flat surfaces (planks, tiles, carpet, brick, asphalt), all synthetic."""

from collections.abc import Callable
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from framewatch_demo.scenes.canvas import Colour, Field, Image, hsv

_BANK_SIZE = 1024
_BANK_SEED = 20_240_101
_TILE = 160


@lru_cache(maxsize=1)
def _bank() -> Field:
    rng = np.random.default_rng(_BANK_SEED)
    return rng.standard_normal((_BANK_SIZE, _BANK_SIZE), dtype=np.float32)


def white_noise(rng: np.random.Generator, height: int, width: int) -> Field:
    """Returns standard normal noise, shape (height, width), cut from a fixed bank, which is cheaper than drawing it."""
    if max(height, width) > _BANK_SIZE // 2:
        return rng.standard_normal((height, width), dtype=np.float32)
    top, left = rng.integers(0, _BANK_SIZE - height), rng.integers(0, _BANK_SIZE - width)
    return _bank()[top : top + height, left : left + width]


def smooth_noise(rng: np.random.Generator, height: int, width: int, cell_y: float, cell_x: float) -> Field:
    """Draws noise of about unit variance with grains of cell_y x cell_x pixels; shape (height, width)."""
    rows, columns = int(height / cell_y) + 3, int(width / cell_x) + 3
    coarse = white_noise(rng, min(rows, _BANK_SIZE // 2), min(columns, _BANK_SIZE // 2))
    return np.asarray(cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC), dtype=np.float32)


def grain(rng: np.random.Generator, height: int, width: int) -> Field:
    """Draws noise with grains of several sizes, about unit variance; shape (height, width)."""
    stretch = float(np.exp(rng.uniform(-1.2, 1.2)))
    total = np.zeros((height, width), dtype=np.float32)
    for cell in (2.0, 6.0, 20.0):
        total += smooth_noise(rng, height, width, cell * stretch, cell / stretch) * np.float32(rng.uniform(0.2, 0.8))
    return total


def _coloured(base: Colour, gain: Field) -> Image:
    return np.asarray(cv2.merge([cv2.convertScaleAbs(gain, alpha=level) for level in base]), dtype=np.uint8)


def _cells(tones: NDArray[np.floating]) -> Field:
    """Scales every value up to a flat rectangle; shape (_TILE, _TILE)."""
    cells = cv2.resize(tones.astype(np.float32), (_TILE, _TILE), interpolation=cv2.INTER_NEAREST)
    return np.asarray(cells, dtype=np.float32)


def _planks(rng: np.random.Generator, base: Colour) -> Image:
    count = int(rng.integers(10, 34))
    tones = 1 + rng.uniform(0.03, 0.13) * rng.standard_normal((int(rng.integers(1, 5)), count))
    gain = _cells(tones)
    gain = gain + np.float32(0.06) * smooth_noise(rng, _TILE, _TILE, 40, 1.5)
    seams = (np.arange(count) * _TILE / count).astype(np.int64)
    gain[:, seams] *= rng.uniform(0.45, 0.95)
    picture = _coloured(base, gain)
    return picture if rng.random() < 0.5 else np.ascontiguousarray(picture.transpose(1, 0, 2))


def _tiles(rng: np.random.Generator, base: Colour) -> Image:
    count = int(rng.integers(4, 16))
    tones = 1 + rng.uniform(0.0, 0.1) * rng.standard_normal((count, count))
    if rng.random() < 0.25:
        tones = tones * (1 - rng.uniform(0.1, 0.7) * (np.indices((count, count)).sum(axis=0) % 2))
    gain = _cells(tones)
    seams = (np.arange(count) * _TILE / count).astype(np.int64)
    joint = rng.uniform(0.5, 1.15)
    gain[:, seams] *= joint
    gain[seams, :] *= joint
    return _coloured(base, gain)


def _carpet(rng: np.random.Generator, base: Colour) -> Image:
    gain = 1 + np.float32(rng.uniform(0.02, 0.1)) * grain(rng, _TILE, _TILE)
    return _coloured(base, gain)


def _stripes(rng: np.random.Generator, base: Colour) -> Image:
    wave = np.sin(np.arange(_TILE, dtype=np.float32) * np.float32(rng.uniform(0.15, 1.2)))
    gain = np.tile(1 + np.float32(rng.uniform(0.03, 0.2)) * wave, (_TILE, 1))
    return _coloured(base, gain)


def _plain(rng: np.random.Generator, base: Colour) -> Image:
    gain = 1 + np.float32(0.015) * white_noise(rng, _TILE, _TILE)
    return _coloured(base, gain)


def _brick(rng: np.random.Generator, base: Colour) -> Image:
    rows, columns = int(rng.integers(8, 22)), int(rng.integers(4, 10))
    tones = (1 + rng.uniform(0.03, 0.14) * rng.standard_normal((rows, columns * 2))).astype(np.float32)
    tones[0::2, 1::2] = tones[0::2, 0::2]
    tones[1::2, 2::2] = tones[1::2, 1:-1:2]
    gain = _cells(tones)
    gain[(np.arange(rows) * _TILE / rows).astype(np.int64), :] *= rng.uniform(0.6, 1.3)
    return _coloured(base, gain)


_FLOORS: tuple[Callable[[np.random.Generator, Colour], Image], ...] = (
    _planks,
    _planks,
    _tiles,
    _carpet,
    _plain,
    _stripes,
)
_WALLS: tuple[Callable[[np.random.Generator, Colour], Image], ...] = (
    *(_plain,) * 5,
    _carpet,
    _brick,
    _stripes,
    _planks,
)


def floor_colour(rng: np.random.Generator) -> Colour:
    """Draws a random colour: wood browns, greys, and sometimes any colour."""
    kind = rng.random()
    if kind < 0.5:
        return hsv(rng.uniform(0.04, 0.11), rng.uniform(0.25, 0.85), rng.uniform(70, 215))
    if kind < 0.85:
        return hsv(rng.uniform(0, 1), rng.uniform(0, 0.12), rng.uniform(50, 225))
    return hsv(rng.uniform(0, 1), rng.uniform(0.1, 0.6), rng.uniform(50, 200))


def wall_colour(rng: np.random.Generator) -> Colour:
    """Draws a random colour: mostly white, cream and grey, sometimes paint."""
    if rng.random() < 0.7:
        return hsv(rng.uniform(0, 1), rng.uniform(0, 0.12), rng.uniform(120, 245))
    return hsv(rng.uniform(0, 1), rng.uniform(0.05, 0.5), rng.uniform(70, 230))


def floor(rng: np.random.Generator) -> Image:
    """Draws a floor from straight above, BGR, shape (160, 160, 3)."""
    return _FLOORS[int(rng.integers(len(_FLOORS)))](rng, floor_colour(rng))


def wall(rng: np.random.Generator) -> Image:
    """Draws a wall from the front, BGR, shape (160, 160, 3)."""
    return _WALLS[int(rng.integers(len(_WALLS)))](rng, wall_colour(rng))


def asphalt(rng: np.random.Generator) -> Image:
    """Draws asphalt or concrete from straight above, BGR, shape (160, 160, 3)."""
    base = hsv(rng.uniform(0, 1), rng.uniform(0, 0.08), rng.uniform(55, 175))
    return _carpet(rng, base)


def cloth_gain(rng: np.random.Generator, height: int, width: int) -> Field:
    """Draws brightness factors of a cloth: melange, stripes, checks or folds; shape (height, width), about 0.5..1.5."""
    kind = rng.random()
    amount = np.float32(rng.uniform(0.04, 0.3))
    rows: NDArray[np.float32] = np.arange(height, dtype=np.float32)[:, None]
    columns: NDArray[np.float32] = np.arange(width, dtype=np.float32)[None, :]
    gain = 1 + np.float32(0.12) * smooth_noise(rng, height, width, max(3.0, height / 5), max(2.0, width / 14))
    if kind < 0.35:
        gain = gain + amount * white_noise(rng, height, width)
    elif kind < 0.5:
        gain = gain + amount * np.sign(np.sin(rows * np.float32(rng.uniform(0.3, 1.6))))
    elif kind < 0.6:
        checks = np.sin(rows * np.float32(rng.uniform(0.5, 1.4))) + np.sin(columns * np.float32(rng.uniform(0.5, 1.4)))
        gain = gain + amount * checks
    return np.asarray(np.clip(gain, 0.4, 1.8), dtype=np.float32)
