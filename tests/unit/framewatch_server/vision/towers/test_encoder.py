"""What encoders get that do all their work in `encode_images`."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from framewatch_core.arrays import Float32Array
from framewatch_server.vision.towers.encoder import BlockingEncoder, DeviceOutOfMemory, ModelInfo


class FirstPixel(BlockingEncoder):
    """Its answer is the picture's first pixel; it has no room for large batches."""

    info = ModelInfo("fake", "clip", (2, 3), 1, 0, "cpu", "float32")

    def __init__(self) -> None:
        self.shapes: list[tuple[int, ...]] = []

    def encode_images(self, pixels: npt.NDArray[np.uint8]) -> Float32Array:
        self.shapes.append(pixels.shape)
        if len(pixels) > 8:
            raise DeviceOutOfMemory("no room")
        return pixels[:, 0, 0, :1].astype(np.float32)


def test_the_work_is_done_at_the_start_and_pixels_may_be_written_over() -> None:
    encoder = FirstPixel()
    pixels = np.full((2, 3, 2, 3), 7, np.uint8)
    collect = encoder.start_images(pixels)
    pixels[:] = 0
    assert (len(encoder.shapes), encoder.in_flight) == (1, 1)
    assert collect().tolist() == [[7], [7]]
    assert len(encoder.shapes) == 1


def test_warming_runs_the_smallest_and_the_largest_batch() -> None:
    encoder = FirstPixel()
    encoder.warm(8)
    assert encoder.shapes == [(1, 3, 2, 3), (8, 3, 2, 3)]


def test_what_does_not_fit_is_told_at_the_start() -> None:
    with pytest.raises(DeviceOutOfMemory):
        FirstPixel().start_images(np.zeros((9, 3, 2, 3), np.uint8))
