"""Images for measurements: rendered scenes of a camera's size, as JPEG."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from framewatch_demo.scenes import CONCEPTS, render

SIZES = {"480p": (854, 480), "720p": (1280, 720), "1080p": (1920, 1080), "4k": (3840, 2160)}
"""Width and height in pixels."""

_QUALITY = 85
_GRAIN = 3.0


@dataclass(frozen=True, slots=True)
class JpegFrames:
    """Encoded images that differ from each other.

    Attributes:
        encoded: JPEG files.

    """

    encoded: tuple[bytes, ...]

    @property
    def mean_bytes(self) -> float:
        """Mean size of a file in bytes."""
        return sum(map(len, self.encoded)) / len(self.encoded)


def render_jpegs(size: str, count: int) -> JpegFrames:
    """Renders `count` scenes in a size of SIZES, with a sensor's grain, so that files are as large as a camera's."""
    rng = np.random.default_rng(0)
    width, height = SIZES[size]
    files = []
    for number in range(count):
        scene = render(CONCEPTS[number % len(CONCEPTS)].name, number, size=(320, 180)).image
        large = cv2.resize(scene, (width, height), interpolation=cv2.INTER_CUBIC).astype(np.float32)
        grain = rng.normal(0, _GRAIN, (height, width, 1)).astype(np.float32)
        picture = np.clip(large + grain, 0, 255).astype(np.uint8)
        _, encoded = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
        files.append(encoded.tobytes())
    return JpegFrames(tuple(files))
