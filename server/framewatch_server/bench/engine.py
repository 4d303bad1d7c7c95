"""The image tower alone, beside what the processor could do."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch.utils.flop_counter import FlopCounterMode

from framewatch_server.vision.clip import DTYPES, load_clip
from framewatch_server.vision.encoder import Encoder

# The largest matrix product of ViT-B/32's tower: a batch of 32 pictures of 50 tokens into the hidden layer.
_GEMM = (1600, 768, 3072)


@dataclass(frozen=True, slots=True)
class TowerSpeed:
    """How fast a tower is at a batch size.

    Attributes:
        batch: pictures at once.
        ms: per picture, the median of several batches.
        flops: floating-point operations per picture.
        limit_flops: of a large matrix product in the same dtype (bfloat16 for int8) with torch, per second, measured in
            the same run.

    """

    batch: int
    ms: float
    flops: float
    limit_flops: float

    @property
    def roofline_share(self) -> float:
        """Share (0..1) of the matrix product's speed."""
        return self.flops / (self.ms / 1000) / self.limit_flops


def bench_tower(encoder: Encoder, flops: float, batches: Sequence[int], seconds: float = 2.0) -> list[TowerSpeed]:
    """Measures `encode_images`, from uint8 pixels to vectors in memory, at several batch sizes."""
    rng = np.random.default_rng(0)
    results = []
    for batch in batches:
        pixels = rng.integers(0, 256, (batch, 3, *encoder.info.image_size), np.uint8)
        gemm_s = median_s(_gemm(encoder), seconds / 4)
        batch_s = median_s(lambda pixels=pixels: encoder.encode_images(pixels), seconds)  # type: ignore[misc]
        results.append(TowerSpeed(batch, batch_s * 1000 / batch, flops, 2 * float(np.prod(_GEMM)) / gemm_s))
    return results


def count_flops(name: str) -> float:
    """Floating-point operations of a checkpoint's tower per picture, a multiplication and an addition as two."""
    encoder = load_clip(name, device="cpu", dtype="float32")
    with FlopCounterMode(display=False) as counter:
        encoder.encode_images(np.zeros((1, 3, *encoder.info.image_size), np.uint8))
    return float(counter.get_total_flops())


def _gemm(encoder: Encoder) -> Callable[[], object]:
    rows, inner, columns = _GEMM
    dtype = DTYPES.get(encoder.info.dtype, torch.bfloat16)
    left = torch.randn(rows, inner, dtype=dtype, device=encoder.info.device)
    right = torch.randn(columns, inner, dtype=dtype, device=encoder.info.device)

    @torch.inference_mode()
    def multiply() -> None:
        torch.nn.functional.linear(left, right)
        if left.is_cuda:
            torch.cuda.synchronize(left.device)

    return multiply


def median_s(function: Callable[[], object], seconds: float) -> float:
    """Median duration of a call, over at least 3 calls and about so many seconds, after one to warm up."""
    function()
    durations: list[float] = []
    ends = time.perf_counter() + seconds
    while len(durations) < 3 or time.perf_counter() < ends:
        started = time.perf_counter()
        function()
        durations.append(time.perf_counter() - started)
    return float(np.median(durations))
