"""The CUDA path of the image tower, with a pretended device on any machine."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from framewatch_server.vision.checkpoints import load
from framewatch_server.vision.checkpoints.load import load_encoder
from framewatch_server.vision.towers.cuda.buffers import SLOTS
from framewatch_server.vision.towers.cuda.tower import CudaImageTower
from framewatch_server.vision.towers.encoder import DeviceOutOfMemory, Encoder
from tests.unit.framewatch_server.vision.towers.cuda.pretended_device import (
    DEVICES,
    MOST,
    ROOM,
    SIZES,
    ImmediateBackend,
    PretendedDevice,
    batch,
    cosines,
    pictures,
    small_tower,
)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("count", SIZES)
def test_the_demo_model_gives_the_same_vectors_as_without_the_tower(
    clip: Encoder, device: Callable[[], ImmediateBackend], count: int
) -> None:
    tower = CudaImageTower(clip.images.module, clip.info.image_size, clip.info.vector_size, device())
    tower.warm(MOST)
    pixels = pictures(clip, count)
    vectors = tower.start(pixels)()
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(vectors, clip.images.encode(pixels), atol=1e-5)
    if count > 1:
        assert cosines(vectors[:-1], vectors[1:]).max() < 0.999, "the pictures differ"


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_a_model_in_half_precision_gives_unit_vectors_in_single_precision(clip: Encoder, dtype: str) -> None:
    half = load_encoder("demo", device="cpu", dtype=dtype, engine="torch")
    tower = CudaImageTower(half.images.module, half.info.image_size, half.info.vector_size, ImmediateBackend())
    tower.warm(4)
    pixels = pictures(clip, 3)
    vectors = tower.start(pixels)()
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors[:, :96], axis=1), 1, atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(vectors[:, 96:], axis=1), 1, atol=1e-6)
    assert 0.999 <= cosines(vectors, clip.images.encode(pixels)).min() < 0.9999999, "close, and computed in half"


def test_on_cuda_the_tower_of_cuda_is_taken(clip: Encoder, monkeypatch: pytest.MonkeyPatch) -> None:
    device = PretendedDevice()
    monkeypatch.setattr(load, "CudaBackend", lambda _: device)
    info = clip.info
    tower = load._torch_tower(clip.images.module, info.image_size, info.vector_size, torch.device("cuda"))
    assert isinstance(tower, CudaImageTower)
    assert tower.in_flight == SLOTS
    tower.warm(4)
    device.replayed.clear()
    inputs = [pictures(clip, 3, seed) for seed in range(2)]
    collect = [tower.start(pixels) for pixels in inputs]
    assert device.replayed == [], "started, not waited for"
    for i, pixels in enumerate(inputs):
        np.testing.assert_allclose(collect[i](), clip.images.encode(pixels), atol=1e-5)
    np.testing.assert_allclose(tower.encode(inputs[0]), collect[0]())
    assert device.replayed == [4, 4, 4]


def test_padding_does_not_change_a_batch(clip: Encoder) -> None:
    tower = CudaImageTower(clip.images.module, clip.info.image_size, clip.info.vector_size, ImmediateBackend())
    tower.warm(8)
    pixels = pictures(clip, 5)
    after_nothing = tower.start(pixels)()
    tower.start(pictures(clip, 8, seed=1))()
    np.testing.assert_array_equal(tower.start(pixels)(), after_nothing)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("warmed", [MOST, None], ids=["graphs", "not warmed"])
@pytest.mark.parametrize("order", [(0, 1), (1, 0)], ids=["in order", "the later one first"])
def test_two_batches_under_way_are_collected_in_any_order(
    device: Callable[[], ImmediateBackend], warmed: int | None, order: tuple[int, int]
) -> None:
    tower = small_tower(device())
    if warmed is not None:
        tower.warm(warmed)
    for first in range(0, 200, 40):
        batches = [batch(8, first), batch(8, first + 20)]
        collect = [tower.start(pixels) for pixels, _ in batches]
        for pixels, _ in batches:
            pixels[:] = 0  # the caller's memory is its own again
        for i in order:
            assert collect[i]().tolist() == batches[i][1]


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("warmed", [MOST, None], ids=["graphs", "not warmed"])
def test_a_slot_that_is_needed_again_keeps_vectors_that_were_not_collected(
    device: Callable[[], ImmediateBackend], warmed: int | None
) -> None:
    tower = small_tower(device())
    if warmed is not None:
        tower.warm(warmed)
    batches = [batch(count, 20 * count) for count in (3, 8, 5, MOST, 1, MOST + 3, 2)]
    collect = [tower.start(pixels) for pixels, _ in batches]
    assert [take().tolist() for take in collect] == [expected for _, expected in batches]
    assert collect[0]().tolist() == batches[0][1], "collected twice"


def test_computation_waits_for_its_copy_and_a_slot_for_its_batch() -> None:
    device = PretendedDevice()
    tower = small_tower(device)
    collect = [tower.start(batch(2)[0]) for _ in range(SLOTS)]
    started = [
        *("copies 1", "compute 1 waits for copies 1", "compute 2"),
        *("copies 2", "compute 3 waits for copies 2", "compute 4"),
    ]
    assert device.log == started, "neither start waits"
    tower.start(batch(2)[0])
    again = ["host waits for compute 2", "copies 3", "compute 5 waits for copies 3", "compute 6"]
    assert device.log == started + again
    collect[0]()
    assert device.log == started + again, "collected when its slot was needed"
    collect[1]()
    assert device.log == [*started, *again, "host waits for compute 4"]


@pytest.mark.parametrize("early", [{"compute"}, {"compute", "copies"}], ids=["computation early", "both early"])
@pytest.mark.parametrize("warmed", [MOST, None], ids=["graphs", "not warmed"])
def test_out_of_memory_is_raised_and_hurts_no_other_batch(early: set[str], warmed: int | None) -> None:
    tower = small_tower(PretendedDevice(early=frozenset(early)))
    if warmed is not None:
        tower.warm(warmed)
    (before, expected_before), (after, expected_after) = batch(4), batch(4, 100)
    collect = tower.start(before)
    with pytest.raises(DeviceOutOfMemory, match=f"{ROOM + 1} pictures"):
        tower.start(batch(ROOM + 1)[0])
    collect_after = tower.start(after)
    assert (collect().tolist(), collect_after().tolist()) == (expected_before, expected_after)


def test_memory_is_given_back_after_a_failure_and_the_module_holds_none() -> None:
    held: list[Any] = []

    class Activations:
        """Stands for memory of the device."""

        def __init__(self) -> None:
            held.append(self)

        def __del__(self) -> None:
            held.append("given back")

    class Watching(ImmediateBackend):
        def reclaim(self) -> None:
            held.append("reclaimed")

    def module(pixels: torch.Tensor) -> torch.Tensor:
        activations = Activations()
        held.clear()
        raise torch.OutOfMemoryError(str(activations))

    with pytest.raises(DeviceOutOfMemory):
        small_tower(Watching(), module).start(batch(1)[0])
    assert held == ["given back", "reclaimed"]


def test_a_failure_of_another_kind_is_raised_unchanged_and_nothing_stays_under_way() -> None:
    device = PretendedDevice()
    tower = small_tower(device)
    collect = tower.start(batch(2)[0])
    reclaimed = device.reclaimed
    with pytest.raises(RuntimeError, match="must match"):
        tower.start(np.zeros((2, 3, 5, 5), np.uint8))
    assert device.reclaimed == reclaimed + 1
    assert collect().tolist() == batch(2)[1]
    assert tower.start(batch(3)[0])().tolist() == batch(3)[1]


def test_too_large_a_batch_is_refused_while_warming_and_a_smaller_one_can_be_tried() -> None:
    tower = small_tower(ImmediateBackend())
    with pytest.raises(DeviceOutOfMemory):
        tower.warm(ROOM + 1)
    assert tower.start(batch(4)[0])().tolist() == batch(4)[1]
    tower.warm(ROOM)
    assert tower.start(batch(ROOM)[0])().tolist() == batch(ROOM)[1]


def test_memory_of_an_attempt_that_did_not_fit_is_given_back_by_the_next_one() -> None:
    tower = small_tower(ImmediateBackend())
    with pytest.raises(DeviceOutOfMemory):
        tower.warm(ROOM + 1)
    tower.warm(4)
    assert [len(slot.buffers.staged) for slot in tower._slots if slot.buffers] == [4] * SLOTS


def test_warming_again_waits_for_the_batch_under_way() -> None:
    device = PretendedDevice()
    tower = small_tower(device)
    tower.warm(4)
    device.replayed.clear()
    collect = tower.start(batch(4)[0])
    tower.warm(8)
    assert device.replayed == [4, *(1, 2, 4, 8)], "the batch had its graph before new ones took its place"
    assert collect().tolist() == batch(4)[1]
