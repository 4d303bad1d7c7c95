"""The CUDA path of the image tower on a real device, where there is one."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import structlog
import torch

from framewatch_server.vision.checkpoints.load import load_encoder
from framewatch_server.vision.towers.cuda.backend import CudaBackend
from framewatch_server.vision.towers.cuda.tower import CudaImageTower
from framewatch_server.vision.towers.encoder import DeviceOutOfMemory, Encoder
from tests.unit.framewatch_server.vision.towers.cuda.pretended_device import MOST, SIZES, cosines, pictures


def cuda(test: Callable[..., None]) -> Callable[..., None]:
    needed = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")
    marked: Callable[..., None] = pytest.mark.cuda(needed(test))
    return marked


def on_cuda(dtype: str = "float32", max_batch_size: int = MOST) -> Encoder:
    encoder = load_encoder("demo", device="cuda", dtype=dtype, engine="torch")
    assert isinstance(encoder.images, CudaImageTower)
    with structlog.testing.capture_logs() as logs:
        encoder.images.warm(max_batch_size)
    assert logs == [], "every size has its graph"
    return encoder


@cuda
@pytest.mark.parametrize("count", SIZES)
@pytest.mark.parametrize(("dtype", "least"), [("float32", 0.99999), ("bfloat16", 0.999), ("float16", 0.999)], ids=str)
def test_cuda_gives_the_vectors_of_the_cpu(clip: Encoder, dtype: str, least: float, count: int) -> None:
    encoder, pixels = on_cuda(dtype), pictures(clip, count)
    vectors, exact = encoder.images.encode(pixels), clip.images.encode(pixels)
    assert vectors.dtype == np.float32
    assert vectors.shape == exact.shape
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert cosines(vectors, exact).min() >= least


@cuda
@pytest.mark.parametrize("order", [(0, 1), (1, 0)], ids=["in order", "the later one first"])
def test_cuda_keeps_two_batches_apart(clip: Encoder, order: tuple[int, int]) -> None:
    encoder = on_cuda()
    inputs = [pictures(clip, MOST, seed) for seed in range(2)]
    exact = [clip.images.encode(pixels) for pixels in inputs]
    for _ in range(50):
        collect = [encoder.images.start(pixels) for pixels in inputs]
        for i in order:
            assert cosines(collect[i](), exact[i]).min() >= 0.9999


@cuda
def test_cuda_keeps_every_batch_apart_while_sizes_change_and_texts_come_between(clip: Encoder) -> None:
    encoder = on_cuda()
    texts = clip.texts.encode(["a person"])
    inputs = [pictures(clip, 1 + seed % (MOST + 3), seed) for seed in range(60)]
    collect = [encoder.images.start(inputs[0])]
    for i, pixels in enumerate(inputs):
        if i + 1 < len(inputs):
            collect.append(encoder.images.start(inputs[i + 1]))
        if i % 10 == 0:
            assert cosines(encoder.texts.encode(["a person"]), texts).min() >= 0.9999
        assert cosines(collect[i](), clip.images.encode(pixels)).min() >= 0.9999


@cuda
def test_cuda_refuses_too_large_a_batch_and_goes_on(clip: Encoder) -> None:
    encoder, pixels = on_cuda(), pictures(clip, 4)
    total = torch.cuda.get_device_properties(torch.cuda.current_device()).total_memory
    collect = encoder.images.start(pixels)
    torch.cuda.set_per_process_memory_fraction((torch.cuda.memory_reserved() + 2**28) / total)
    try:
        with pytest.raises(DeviceOutOfMemory):
            encoder.images.encode(np.zeros((4096, *pixels.shape[1:]), np.uint8))
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
    exact = clip.images.encode(pixels)
    assert cosines(collect(), exact).min() >= 0.9999
    assert cosines(encoder.images.encode(pixels), exact).min() >= 0.9999


@cuda
def test_cuda_that_can_not_capture_runs_without_graphs(clip: Encoder) -> None:
    module = clip.images.module

    def synchronising(inputs: torch.Tensor) -> torch.Tensor:
        torch.cuda.synchronize()  # what a capture does not permit
        vectors: torch.Tensor = module(inputs.cpu())
        return vectors.cuda()

    tower = CudaImageTower(
        synchronising, clip.info.image_size, clip.info.vector_size, CudaBackend(torch.device("cuda"))
    )
    with structlog.testing.capture_logs() as logs:
        tower.warm(4)
    assert [log["sizes"] for log in logs] == [[1, 2, 4]]
    pixels = pictures(clip, 3)
    assert cosines(tower.start(pixels)(), clip.images.encode(pixels)).min() >= 0.9999
