"""Images for measurements: rendered scenes of a camera's size, as JPEG, each new to the server that gets it."""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from framewatch_demo.scenes import CONCEPTS, render

SIZES = {"480p": (854, 480), "720p": (1280, 720), "1080p": (1920, 1080), "4k": (3840, 2160)}
"""Width and height in pixels."""

_QUALITY = 85
_GRAIN = 3.0
_MCU = 16  # pixels of a side of the blocks that a JPEG with halved colour is coded in
_RESTART = re.compile(rb"\xff[\xd0-\xd7]")
_DIGIT_BITS = 8
_DIGITS = 4  # so that numbers have 32 bits


@dataclass(frozen=True, slots=True)
class _Scene:
    """A JPEG file in the parts between which the rows of blocks with a number go."""

    head: bytes
    rows: tuple[bytes, ...]

    def numbered(self, digits: Sequence[bytes]) -> bytes:
        """The file with digits in place of its top rows."""
        rows = [*digits, *self.rows[len(digits) :]]
        marked = (row + bytes((0xFF, 0xD0 + number % 8)) for number, row in enumerate(rows[:-1]))
        return b"".join((self.head, *marked, rows[-1], b"\xff\xd9"))


class JpegFrames:
    """Scenes as JPEG files. Each file has a number in its pixels, so that no cache or reuse has seen it before.

    A row of blocks of these files is coded by itself, so that a digit of the number is exchanged without coding the
    rest again. The number is drawn as black and white fields over the top of the picture.

    Attributes:
        encoded: one file of each scene.

    """

    def __init__(self, scenes: Sequence[_Scene], digits: Sequence[bytes]) -> None:
        """Takes scenes in parts, and the row of blocks of each digit."""
        self._scenes = scenes
        self._digits = digits
        self._numbers = count(secrets.randbits(_DIGITS * _DIGIT_BITS))  # another process's numbers are elsewhere
        self.encoded = tuple(self.new() for _ in scenes)

    @property
    def mean_bytes(self) -> float:
        """Mean size of a file in bytes."""
        return sum(map(len, self.encoded)) / len(self.encoded)

    def new(self) -> bytes:
        """Returns the next scene with a number of its own; from any thread."""
        number = next(self._numbers)
        digits = [self._digits[(number >> place * _DIGIT_BITS) % len(self._digits)] for place in range(_DIGITS)]
        return self._scenes[number % len(self._scenes)].numbered(digits)


def render_jpegs(size: str, count: int) -> JpegFrames:
    """Renders `count` scenes in a size of SIZES, with a sensor's grain, so that files are as large as a camera's."""
    rng = np.random.default_rng(0)
    width, height = SIZES[size]
    scenes = []
    for number in range(count):
        scene = render(CONCEPTS[number % len(CONCEPTS)].name, number, size=(320, 180)).image
        large = cv2.resize(scene, (width, height), interpolation=cv2.INTER_CUBIC).astype(np.float32)
        grain = rng.normal(0, _GRAIN, (height, width, 1)).astype(np.float32)
        scenes.append(_encode(np.clip(large + grain, 0, 255).astype(np.uint8)))
    return JpegFrames(scenes, [_encode(_digit(value, width)).rows[0] for value in range(2**_DIGIT_BITS)])


def _encode(picture: npt.NDArray[np.uint8]) -> _Scene:
    blocks = -(-picture.shape[1] // _MCU)
    flags = [cv2.IMWRITE_JPEG_QUALITY, _QUALITY, cv2.IMWRITE_JPEG_RST_INTERVAL, blocks]
    _, encoded = cv2.imencode(".jpg", picture, flags)
    file = encoded.tobytes()
    scan = file.index(b"\xff\xda")
    begin = scan + 2 + int.from_bytes(file[scan + 2 : scan + 4])
    return _Scene(file[:begin], tuple(_RESTART.split(file[begin:-2])))


def _digit(value: int, width: int) -> npt.NDArray[Any]:
    """A row of blocks with the bits of a digit, as black and white fields."""
    fields = np.array([value >> bit & 1 for bit in range(_DIGIT_BITS)], np.uint8) * 255
    row = cv2.resize(fields[None], (width, _MCU), interpolation=cv2.INTER_NEAREST)
    return np.repeat(row[..., None], 3, axis=2)
