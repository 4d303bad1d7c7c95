"""Measurement of the bare tower, with as many batches in flight as the encoder takes."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest
import torch

from framewatch_bench.towers.tower import batch_s, default_batches, matrix_product
from framewatch_core.arrays import Float32Array
from framewatch_server.vision.towers.encoder import ModelInfo
from framewatch_server.vision.towers.null import NullImageTower, null_encoder


class Counting(NullImageTower):
    """Counts batches that are started and not collected."""

    def __init__(self, in_flight: int) -> None:
        self.in_flight = in_flight
        self.under_way = self.most_under_way = 0

    def start(self, pixels: npt.NDArray[np.uint8]) -> Callable[[], Float32Array]:
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)

        def collect() -> Float32Array:
            self.under_way -= 1
            return self.encode(pixels)

        return collect


@pytest.mark.parametrize("in_flight", [1, 2], ids=["one at a time", "overlapping"])
def test_as_many_batches_are_under_way_as_the_encoder_takes_and_none_in_the_end(in_flight: int) -> None:
    tower = Counting(in_flight)
    assert batch_s(dataclasses.replace(null_encoder(), images=tower), batch=2, seconds=0) > 0
    assert (tower.most_under_way, tower.under_way) == (in_flight, 0)


@pytest.mark.parametrize(
    ("device", "largest"), [("cpu", 32), ("cuda", 1024), ("cuda:1", 1024)], ids=["CPU", "CUDA", "another GPU"]
)
def test_a_gpu_is_measured_with_larger_batches(device: str, largest: int) -> None:
    info = ModelInfo("fake", "clip", (1, 1), 1, 0, device, "float32")
    encoder = dataclasses.replace(null_encoder(), info=info)
    assert default_batches(encoder)[-1] == largest


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "int8"])
def test_a_tower_is_compared_with_a_product_of_its_own_dtype(dtype: str, monkeypatch: pytest.MonkeyPatch) -> None:
    dtypes = []
    for name in ("_int_mm", "nn.functional.linear"):
        owner, _, function = f"torch.{name}".rpartition(".")

        def multiply(left: torch.Tensor, right: torch.Tensor) -> None:
            dtypes.append((left.dtype, right.dtype))

        monkeypatch.setattr(f"{owner}.{function}", multiply)
    matrix_product(dtype, "cpu", rows=32)()
    assert dtypes == [(getattr(torch, dtype),) * 2]


def test_the_product_of_int8_is_computed() -> None:
    matrix_product("int8", "cpu", rows=64)()
