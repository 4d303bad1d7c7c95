"""Disturbances of cameras, applied to good video: frozen, black, covered, switched to infrared, in the rain, blurred.

Each disturbance takes one picture, RGB uint8 `[height, width, 3]`, and returns another of the same size. Noise comes
from the generator that is passed in. Sizes are shares of the picture's.
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
"""Seconds since the begin of the video, and the picture."""

Disturbance = Callable[[Pixels, np.random.Generator], Pixels]


class Kind(Enum):
    """Kind of a disturbance."""

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
    """Adds Gaussian noise with standard deviation `sigma`, in levels, to each pixel and channel independently."""
    return _levels(pixels + sigma * rng.standard_normal(pixels.shape, np.float32))


def brightened(pixels: Pixels, factor: float) -> Pixels:
    """Multiplies all levels by a factor, and clips them."""
    return _levels(pixels.astype(np.float32) * factor)


def black(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    """Returns the picture of a dead sensor: black, with a little noise."""
    return with_noise(np.zeros_like(pixels), rng, 2.0)


def covered(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    """Returns the picture of a hand or cloth before the lens: one colour, darker towards one corner, and noise."""
    height, width = pixels.shape[:2]
    down, across = np.mgrid[0 : 1 : height * 1j, 0 : 1 : width * 1j].astype(np.float32)
    shade = 25.0 * (0.5 - (down + across) / 2)
    return with_noise(_levels(np.asarray((70, 50, 42), np.float32) + shade[..., None]), rng, 4.0)


def infrared(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    """Returns the picture under infrared lamps: grey, another luminance curve, and the same noise in all channels."""
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY).astype(np.float32)
    curved = 235 * (grey / 255) ** 0.7
    return np.repeat(_levels(curved + 5.0 * rng.standard_normal(grey.shape, np.float32))[..., None], 3, axis=2)


def rain(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    """Draws bright streaks at random places, and adds noise."""
    height, width = pixels.shape[:2]
    drops = pixels.copy()
    for x, y, length in rng.uniform((0, -0.1, 0.04), (1, 1, 0.16), (150, 3)):
        start, end = (x * width, y * height), (x * width + length * height / 5, (y + length) * height)
        cv2.line(drops, np.rint(start).astype(int).tolist(), np.rint(end).astype(int).tolist(), (215, 218, 222), 1)
    return with_noise(cv2.addWeighted(pixels, 0.3, drops, 0.7, 0).astype(np.uint8), rng, 8.0)


def overexposed(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    """Returns the picture with the sun in the lens: all but the darkest levels are clipped to white."""
    return with_noise(_levels(pixels.astype(np.float32) * 8 + 150), rng, 2.0)


def blurred(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    """Returns the picture out of focus: blurred by a Gaussian of 3 % of its width, with a little noise."""
    return with_noise(cv2.GaussianBlur(pixels, (0, 0), 0.03 * pixels.shape[1]).astype(np.uint8), rng, 2.0)


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


def spliced(frames: Iterable[Frame], kind: Kind, *, at_s: float, lasting_s: float = 30.0) -> Iterator[Frame]:
    """Inserts a disturbance into a video, which goes on after it where it was. The noise is always the same.

    Args:
        frames: frames in order of time.
        kind: kind of the disturbance. A freeze repeats the last picture before it. All others are applied to the last
            second before it, played backwards and forwards, so that the scene stays the same.
        at_s: time of the insertion, before the first frame at or after it; after the last frame nothing is inserted.
        lasting_s: length of the disturbance; later frames are moved by it.

    """
    before: deque[Frame] = deque()
    moved = False
    for time_s, pixels in frames:
        if not moved and before and time_s >= at_s:
            yield from _splice(list(before), kind, time_s, lasting_s)
            moved = True
        yield (time_s + lasting_s if moved else time_s), pixels
        before.append((time_s, pixels))
        while before[0][0] < time_s - 1:
            before.popleft()


def _splice(before: list[Frame], kind: Kind, from_s: float, lasting_s: float) -> Iterator[Frame]:
    rng = np.random.default_rng(0)
    step_s = from_s - before[-1][0]
    shown = before[-1:] if kind is Kind.FREEZE else [*before[::-1], *before[1:-1]]
    for i in range(round(lasting_s / step_s)):
        yield from_s + i * step_s, DISTURBANCES[kind](shown[i % len(shown)][1], rng)
