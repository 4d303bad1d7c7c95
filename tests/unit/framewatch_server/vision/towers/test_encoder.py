"""Image towers that do all their work in `encode`."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from framewatch_core.arrays import Float32Array
from framewatch_server.vision.towers.encoder import BlockingImageTower, DeviceOutOfMemory


class FirstPixel(BlockingImageTower):
    """Returns each picture's first pixel; it has no room for large batches."""

    image_size = (2, 3)

    def __init__(self) -> None:
        self.shapes: list[tuple[int, ...]] = []

    def encode(self, pixels: npt.NDArray[np.uint8]) -> Float32Array:
        self.shapes.append(pixels.shape)
        if len(pixels) > 8:
            raise DeviceOutOfMemory("no room")
        return pixels[:, 0, 0, :1].astype(np.float32)


def test_the_work_is_done_at_the_start_and_pixels_may_be_written_over() -> None:
    tower = FirstPixel()
    pixels = np.full((2, 3, 2, 3), 7, np.uint8)
    collect = tower.start(pixels)
    pixels[:] = 0
    assert (len(tower.shapes), tower.in_flight) == (1, 1)
    assert collect().tolist() == [[7], [7]]
    assert len(tower.shapes) == 1


def test_warming_runs_the_smallest_and_the_largest_batch() -> None:
    tower = FirstPixel()
    tower.warm(8)
    assert tower.shapes == [(1, 3, 2, 3), (8, 3, 2, 3)]


def test_a_batch_that_does_not_fit_is_refused_at_the_start() -> None:
    with pytest.raises(DeviceOutOfMemory):
        FirstPixel().start(np.zeros((9, 3, 2, 3), np.uint8))
