"""The image tower alone, beside the largest matrix product that the processor could do instead."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch.utils.flop_counter import FlopCounterMode

from framewatch_core.arrays import Float32Array
from framewatch_server.vision.checkpoints.load import load_encoder
from framewatch_server.vision.towers.devices import DTYPES
from framewatch_server.vision.towers.encoder import Encoder

_CPU_BATCHES = (1, 8, 16, 32)
_CUDA_BATCHES = (1, 8, 32, 128, 512, 1024)

# The largest matrix product of ViT-B/32's tower: pictures of 50 tokens into the hidden layer.
_TOKENS, _INNER, _COLUMNS = 50, 768, 3072


@dataclass(frozen=True, slots=True)
class TowerSpeed:
    """Speed of a tower at a batch size.

    Attributes:
        batch: number of pictures in a batch.
        ms: time per picture, the median of several batches, with as many in flight as the encoder takes.
        flops: floating-point operations per picture.
        limit_flops: floating-point operations per second of a matrix product as the tower has it for the largest
            default batch, by torch in the same dtype, measured in the same run.

    """

    batch: int
    ms: float
    flops: float
    limit_flops: float

    @property
    def roofline_share(self) -> float:
        """Speed of the tower as a share (0..1) of the matrix product's."""
        return self.flops / (self.ms / 1000) / self.limit_flops


def default_batches(encoder: Encoder) -> tuple[int, ...]:
    """Returns batch sizes up to one that saturates the encoder's device; ascending."""
    return _CUDA_BATCHES if encoder.info.device.startswith("cuda") else _CPU_BATCHES


def bench_tower(encoder: Encoder, flops: float, batches: Sequence[int], seconds: float) -> list[TowerSpeed]:
    """Measures the tower, from uint8 pixels to vectors in memory, at several batch sizes, `seconds` each."""
    encoder.images.warm(max(batches))
    rows = _TOKENS * default_batches(encoder)[-1]
    results = []
    for batch in batches:
        gemm_s = median_s(matrix_product(encoder.info.dtype, encoder.info.device, rows), seconds / 4)
        tower_s = batch_s(encoder, batch, seconds)
        limit_flops = 2 * rows * _INNER * _COLUMNS / gemm_s
        results.append(TowerSpeed(batch, tower_s * 1000 / batch, flops, limit_flops))
    return results


def batch_s(encoder: Encoder, batch: int, seconds: float) -> float:
    """Measures the median time between the ends of batches, with as many in flight as the encoder takes; seconds."""
    pixels = np.random.default_rng(0).integers(0, 256, (batch, 3, *encoder.info.image_size), np.uint8)
    in_flight: deque[Callable[[], Float32Array]] = deque()

    def start_and_collect() -> None:
        in_flight.append(encoder.images.start(pixels))
        if len(in_flight) == encoder.images.in_flight:
            in_flight.popleft()()

    median = median_s(start_and_collect, seconds)
    for collect in in_flight:
        collect()
    return median


def pictures_per_second(encoder: Encoder, batch: int, seconds: float) -> float:
    """Measures the pictures per second, by `batch_s`."""
    return batch / batch_s(encoder, batch, seconds)


def count_flops(name: str) -> float:
    """Counts the floating-point operations of a checkpoint's tower per picture; multiply and add count as two."""
    encoder = load_encoder(name, device="cpu", dtype="float32", engine="torch")
    with FlopCounterMode(display=False) as counter:
        encoder.images.encode(np.zeros((1, 3, *encoder.info.image_size), np.uint8))
    return float(counter.get_total_flops())


def matrix_product(dtype: str, device: str, rows: int) -> Callable[[], object]:
    """Returns a function that multiplies matrices as the tower does, in a dtype of `serve`; int8 adds up in int32."""
    left, right = (_matrix(count, _INNER, dtype, device) for count in (rows, _COLUMNS))

    @torch.inference_mode()
    def multiply() -> None:
        if left.dtype is torch.int8:
            torch._int_mm(left, right.T)  # noqa: SLF001 torch has no other product of int8
        else:
            torch.nn.functional.linear(left, right)
        if left.is_cuda:
            torch.cuda.synchronize(left.device)

    return multiply


def _matrix(rows: int, columns: int, dtype: str, device: str) -> torch.Tensor:
    if dtype == "int8":
        return torch.randint(-128, 128, (rows, columns), dtype=torch.int8, device=device)
    return torch.randn(rows, columns, dtype=DTYPES[dtype], device=device)


def median_s(function: Callable[[], object], seconds: float, prepare: Callable[[], None] = lambda: None) -> float:
    """Measures the median duration of a call, over at least 3 calls and about `seconds`, after one to warm up.

    Before each call `prepare` is called, which is not measured.
    """
    prepare()
    function()
    durations: list[float] = []
    ends = time.perf_counter() + seconds
    while len(durations) < 3 or time.perf_counter() < ends:
        prepare()
        started = time.perf_counter()
        function()
        durations.append(time.perf_counter() - started)
    return float(np.median(durations))
