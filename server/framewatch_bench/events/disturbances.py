"""What happens to cameras, done to good video: frozen, black, covered, switched to infrared, in the rain, blurred.

Each disturbance takes one picture, RGB uint8 `[height, width, 3]`, and gives another of the same size; noise comes from
the generator that is given, so that the same seed gives the same video. Sizes are shares of the picture's.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from enum import Enum
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

Pixels = npt.NDArray[np.uint8]
Frame = tuple[float, Pixels]
"""Seconds since the video's begin, and the picture."""

Disturbance = Callable[[Pixels, np.random.Generator], Pixels]


class Kind(Enum):
    """What a splice shows."""

    FREEZE = "freeze"
    BLACK = "black"
    COVERED = "covered"
    INFRARED = "infrared"
    RAIN = "rain"
    OVEREXPOSED = "overexposed"
    BLUR = "blur"


def _levels(values: npt.NDArray[Any]) -> Pixels:
    return np.asarray(np.clip(np.rint(values), 0, 255), np.uint8)


def with_noise(pixels: Pixels, rng: np.random.Generator, sigma: float) -> Pixels:
    """Gaussian noise of that standard deviation in levels, of each pixel and channel by itself."""
    return _levels(pixels + sigma * rng.standard_normal(pixels.shape, np.float32))


def brightened(pixels: Pixels, factor: float) -> Pixels:
    """All levels times a factor, clipped."""
    return _levels(pixels.astype(np.float32) * factor)


def black(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    """A dead sensor: black, with a little noise."""
    return with_noise(np.zeros_like(pixels), rng, 2.0)


def covered(
    pixels: Pixels,
    rng: np.random.Generator,
    *,
    colour: tuple[int, int, int] = (70, 50, 42),
    shading: float = 25.0,
    sigma: float = 4.0,
) -> Pixels:
    """A hand or cloth before the lens: one colour, darker by `shading` levels from corner to corner, and noise."""
    height, width = pixels.shape[:2]
    down, across = np.mgrid[0 : 1 : height * 1j, 0 : 1 : width * 1j].astype(np.float32)
    shade = shading * (0.5 - (down + across) / 2)
    return with_noise(_levels(np.asarray(colour, np.float32) + shade[..., None]), rng, sigma)


def infrared(pixels: Pixels, rng: np.random.Generator, *, gamma: float = 0.7, sigma: float = 5.0) -> Pixels:
    """What a camera shows by its infrared lamps: grey, another luminance curve, and the same noise in all channels."""
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY).astype(np.float32)
    curved = 235 * (grey / 255) ** gamma
    return np.repeat(_levels(curved + sigma * rng.standard_normal(grey.shape, np.float32))[..., None], 3, axis=2)


def rain(pixels: Pixels, rng: np.random.Generator, *, streaks: int = 150, sigma: float = 8.0) -> Pixels:
    """Bright streaks, elsewhere in each picture, and noise."""
    height, width = pixels.shape[:2]
    drops = pixels.copy()
    for x, y, length in rng.uniform((0, -0.1, 0.04), (1, 1, 0.16), (streaks, 3)):
        start, end = (x * width, y * height), (x * width + length * height / 5, (y + length) * height)
        cv2.line(drops, np.rint(start).astype(int).tolist(), np.rint(end).astype(int).tolist(), (215, 218, 222), 1)
    return with_noise(cv2.addWeighted(pixels, 0.3, drops, 0.7, 0).astype(np.uint8), rng, sigma)


def overexposed(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    """Sun into the lens: all but the darkest is clipped to white."""
    return with_noise(_levels(pixels.astype(np.float32) * 8 + 150), rng, 2.0)


def blurred(pixels: Pixels, rng: np.random.Generator, *, sigma: float = 0.03, noise: float = 2.0) -> Pixels:
    """Out of focus: a Gaussian of that share of the width, and noise."""
    return with_noise(cv2.GaussianBlur(pixels, (0, 0), sigma * pixels.shape[1]).astype(np.uint8), rng, noise)


def _unchanged(pixels: Pixels, _rng: np.random.Generator) -> Pixels:
    return pixels


DISTURBANCES: dict[Kind, Disturbance] = {
    Kind.FREEZE: _unchanged,
    Kind.BLACK: black,
    Kind.COVERED: covered,
    Kind.INFRARED: infrared,
    Kind.RAIN: rain,
    Kind.OVEREXPOSED: overexposed,
    Kind.BLUR: blurred,
}


def spliced(
    frames: Iterable[Frame], kind: Kind, *, at_s: float, lasting_s: float = 30.0, seed: int = 0
) -> Iterator[Frame]:
    """Puts a disturbance into a video, which goes on after it where it was.

    Args:
        frames: in order of time.
        kind: of a freeze the last picture before it is repeated. All others are done to the last second before it,
            forwards and backwards in turn, so that what is seen stays what it was.
        at_s: it comes before the first frame of at least this time; past the last one it doesn't come.
        lasting_s: seconds that later frames are moved by.
        seed: of the noise.

    """
    before: deque[Frame] = deque()
    moved = False
    for time_s, pixels in frames:
        if not moved and before and time_s >= at_s:
            yield from _splice(list(before), kind, time_s, lasting_s, seed)
            moved = True
        yield (time_s + lasting_s if moved else time_s), pixels
        before.append((time_s, pixels))
        while before[0][0] < time_s - 1:
            before.popleft()


def _splice(before: list[Frame], kind: Kind, from_s: float, lasting_s: float, seed: int) -> Iterator[Frame]:
    rng = np.random.default_rng(seed)
    step_s = from_s - before[-1][0]
    shown = before[-1:] if kind is Kind.FREEZE else [*before[::-1], *before[1:-1]]
    for i in range(round(lasting_s / step_s)):
        yield from_s + i * step_s, DISTURBANCES[kind](shown[i % len(shown)][1], rng)
