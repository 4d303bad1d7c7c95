"""The CUDA path of the image tower: with a pretended device on any machine, and on a real one where there is one.

The pretended device does the work of its two streams as late, or as early, as their order and events allow: a wait that
is missing, or a buffer that is written over too soon, gives wrong vectors.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import structlog
import torch

from framewatch_core.arrays import Float32Array
from framewatch_server.vision.checkpoints.load import load_encoder
from framewatch_server.vision.towers.cuda_tower import SLOTS, CudaBackend, CudaTower, EagerBackend, Work, batch_sizes
from framewatch_server.vision.towers.encoder import DeviceOutOfMemory
from framewatch_server.vision.towers.torch_encoder import CudaEncoder, TorchEncoder

MOST = 11
SIZES = [
    pytest.param(1, id="one"),
    pytest.param(3, id="padded"),
    pytest.param(8, id="a graph's size"),
    pytest.param(MOST, id="the largest"),
    pytest.param(MOST + 3, id="more than the largest"),
]
ROOM = 40
"""What the small module's device has memory for."""


class Event:
    """A place in a pretended stream."""

    def __init__(self, device: PretendedDevice, stream: str, position: int) -> None:
        self._device, self._stream, self._position = device, stream, position

    def synchronize(self) -> None:
        self._device.log.append(f"host waits for {self._stream} {self._position}")
        self.pass_by()

    def pass_by(self) -> None:
        self._device.run(self._stream, self._position)


@dataclass
class PretendedDevice(EagerBackend):
    """Runs submitted work when something waits for it, or at once for the streams in `early`; records what was asked."""

    early: frozenset[str] = frozenset()
    fails_to_capture: frozenset[int] = frozenset()
    log: list[str] = field(default_factory=list)
    captured: list[int] = field(default_factory=list)
    replayed: list[int] = field(default_factory=list)
    reclaimed: int = 0

    def __post_init__(self) -> None:
        self._queues: dict[str, deque[Work]] = {"copies": deque(), "compute": deque()}
        self._submitted = dict.fromkeys(self._queues, 0)
        self._done = dict.fromkeys(self._queues, 0)

    def submit(self, stream: str, work: Work) -> None:
        self._put(stream, work)
        self.log.append(f"{stream} {self._submitted[stream]}")
        self._go_on()

    def record(self, stream: str) -> Event:
        return Event(self, stream, self._submitted[stream])

    def wait(self, stream: str, event: Event) -> None:
        self._put(stream, event.pass_by)
        self.log.append(f"{stream} {self._submitted[stream]} waits for {event._stream} {event._position}")
        self._go_on()

    def capture(self, work: Work) -> Work:
        # as a real capture does, once nothing is under way
        self._finish()
        size = len(work.args[0])  # type: ignore[attr-defined]
        if size in self.fails_to_capture:
            raise RuntimeError(f"capture of {size} not permitted")
        self.captured.append(size)

        def replay() -> None:
            self.replayed.append(size)
            work()

        return replay

    def reclaim(self) -> None:
        self.reclaimed += 1
        self._finish()

    def run(self, stream: str, position: int) -> None:
        """Works a stream off up to a position."""
        while self._done[stream] < position:
            self._done[stream] += 1
            with torch.inference_mode():
                self._queues[stream].popleft()()

    def _put(self, stream: str, work: Work) -> None:
        self._queues[stream].append(work)
        self._submitted[stream] += 1

    def _go_on(self) -> None:
        for stream in self.early:
            self.run(stream, self._submitted[stream])

    def _finish(self) -> None:
        for stream, submitted in self._submitted.items():
            self.run(stream, submitted)


DEVICES = [
    pytest.param(EagerBackend, id="at once"),
    pytest.param(PretendedDevice, id="late"),
    pytest.param(lambda: PretendedDevice(early=frozenset({"copies"})), id="copies early"),
    pytest.param(lambda: PretendedDevice(early=frozenset({"compute"})), id="computation early"),
]


def small_module(pixels: torch.Tensor) -> torch.Tensor:
    """A vector with the first two values of each picture; for too many pictures at once, no memory."""
    if len(pixels) > ROOM:
        raise torch.OutOfMemoryError(f"{len(pixels)} pictures")
    return pixels[:, 0, 0, :2].float()


def small_tower(device: EagerBackend, module: Callable[[torch.Tensor], torch.Tensor] = small_module) -> CudaTower:
    return CudaTower(module, (1, 2), 2, device)


def batch(count: int, first: int = 0) -> tuple[npt.NDArray[np.uint8], list[list[float]]]:
    """Pictures for the small module, no two alike, and their vectors."""
    values = np.arange(first, first + 2 * count).reshape(count, 2) % 251
    pixels = np.repeat(values[:, None, None, :], 3, axis=1).astype(np.uint8)
    return pixels, values.astype(float).tolist()


@pytest.fixture(scope="module")
def clip() -> TorchEncoder:
    encoder = load_encoder("demo", device="cpu", dtype="float32", engine="torch")
    assert isinstance(encoder, TorchEncoder)
    return encoder


def pictures(encoder: TorchEncoder, count: int, seed: int = 0) -> npt.NDArray[np.uint8]:
    """Blocks of colours, no two pictures alike, as the model's input."""
    coarse = np.random.default_rng(seed).integers(0, 256, (count, 3, 4, 4), np.uint8)
    height, width = encoder.info.image_size
    return np.ascontiguousarray(coarse.repeat(height // 4, axis=2).repeat(width // 4, axis=3))


def cosines(one: Float32Array, other: Float32Array) -> npt.NDArray[np.float32]:
    """Of the embeddings, which come first."""
    return np.asarray(np.sum(one[:, :96] * other[:, :96], axis=1))


@pytest.mark.parametrize(
    ("most", "expected"),
    [(1, (1,)), (2, (1, 2)), (11, (1, 2, 4, 8, 11)), (32, (1, 2, 4, 8, 16, 32))],
    ids=["one", "two", "no power of two", "a power of two"],
)
def test_batch_sizes_are_powers_of_two_and_the_largest(most: int, expected: tuple[int, ...]) -> None:
    assert batch_sizes(most) == expected


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("count", SIZES)
def test_the_demo_model_gives_the_same_vectors_as_without_the_tower(
    clip: TorchEncoder, device: Callable[[], EagerBackend], count: int
) -> None:
    tower = CudaTower(clip.image_module(), clip.info.image_size, clip.info.vector_size, device())
    tower.warm(MOST)
    pixels = pictures(clip, count)
    vectors = tower.start(pixels)()
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(vectors, clip.encode_images(pixels), atol=1e-5)
    if count > 1:
        assert cosines(vectors[:-1], vectors[1:]).max() < 0.999, "the pictures differ"


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_a_model_in_half_precision_gives_unit_vectors_in_single_precision(clip: TorchEncoder, dtype: str) -> None:
    half = load_encoder("demo", device="cpu", dtype=dtype, engine="torch")
    assert isinstance(half, TorchEncoder)
    tower = CudaTower(half.image_module(), half.info.image_size, half.info.vector_size, EagerBackend())
    tower.warm(4)
    pixels = pictures(clip, 3)
    vectors = tower.start(pixels)()
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors[:, :96], axis=1), 1, atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(vectors[:, 96:], axis=1), 1, atol=1e-6)
    assert 0.999 <= cosines(vectors, clip.encode_images(pixels)).min() < 0.9999999, "close, and computed in half"


def test_the_encoder_on_cuda_goes_through_its_tower(clip: TorchEncoder, monkeypatch: pytest.MonkeyPatch) -> None:
    device = PretendedDevice()
    monkeypatch.setattr("framewatch_server.vision.towers.torch_encoder.CudaBackend", lambda _: device)
    encoder = CudaEncoder(clip._parts)
    assert encoder.in_flight == SLOTS
    encoder.warm(4)
    device.replayed.clear()
    inputs = [pictures(clip, 3, seed) for seed in range(2)]
    collect = [encoder.start_images(pixels) for pixels in inputs]
    assert device.replayed == [], "started, not waited for"
    for i, pixels in enumerate(inputs):
        np.testing.assert_allclose(collect[i](), clip.encode_images(pixels), atol=1e-5)
    np.testing.assert_allclose(encoder.encode_images(inputs[0]), collect[0]())
    assert device.replayed == [4, 4, 4]


@pytest.mark.parametrize(
    ("count", "replayed"),
    [(1, [1]), (3, [4]), (8, [8]), (9, [MOST]), (MOST, [MOST]), (MOST + 3, [])],
    ids=["one", "padded", "a graph's size", "padded to the largest", "the largest", "more than the largest"],
)
def test_a_batch_takes_the_smallest_graph_that_it_fits_into(count: int, replayed: list[int]) -> None:
    device = PretendedDevice()
    tower = small_tower(device)
    tower.warm(MOST)
    assert device.captured == [MOST, 8, 4, 2, 1], "the largest first: the others share its memory"
    device.replayed.clear()
    pixels, expected = batch(count)
    assert tower.start(pixels)().tolist() == expected
    assert device.replayed == replayed


def test_what_pads_a_batch_does_not_change_it(clip: TorchEncoder) -> None:
    tower = CudaTower(clip.image_module(), clip.info.image_size, clip.info.vector_size, EagerBackend())
    tower.warm(8)
    pixels = pictures(clip, 5)
    after_nothing = tower.start(pixels)()
    tower.start(pictures(clip, 8, seed=1))()
    np.testing.assert_array_equal(tower.start(pixels)(), after_nothing)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("warmed", [MOST, None], ids=["graphs", "not warmed"])
@pytest.mark.parametrize("order", [(0, 1), (1, 0)], ids=["in order", "the later one first"])
def test_two_batches_under_way_are_collected_in_any_order(
    device: Callable[[], EagerBackend], warmed: int | None, order: tuple[int, int]
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
def test_a_slot_that_is_needed_again_keeps_what_was_not_collected(
    device: Callable[[], EagerBackend], warmed: int | None
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
def test_out_of_memory_is_told_and_hurts_no_other_batch(early: set[str], warmed: int | None) -> None:
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

    class Watching(EagerBackend):
        def reclaim(self) -> None:
            held.append("reclaimed")

    def module(pixels: torch.Tensor) -> torch.Tensor:
        activations = Activations()
        held.clear()
        raise torch.OutOfMemoryError(str(activations))

    with pytest.raises(DeviceOutOfMemory):
        small_tower(Watching(), module).start(batch(1)[0])
    assert held == ["given back", "reclaimed"]


def test_a_failure_of_another_kind_is_told_as_it_is_and_nothing_stays_under_way() -> None:
    device = PretendedDevice()
    tower = small_tower(device)
    collect = tower.start(batch(2)[0])
    reclaimed = device.reclaimed
    with pytest.raises(RuntimeError, match="must match"):
        tower.start(np.zeros((2, 3, 5, 5), np.uint8))
    assert device.reclaimed == reclaimed + 1
    assert collect().tolist() == batch(2)[1]
    assert tower.start(batch(3)[0])().tolist() == batch(3)[1]


def test_what_does_not_fit_is_told_while_warming_and_less_can_be_tried() -> None:
    tower = small_tower(EagerBackend())
    with pytest.raises(DeviceOutOfMemory):
        tower.warm(ROOM + 1)
    assert tower.start(batch(4)[0])().tolist() == batch(4)[1]
    tower.warm(ROOM)
    assert tower.start(batch(ROOM)[0])().tolist() == batch(ROOM)[1]


def test_warming_again_waits_for_what_is_under_way() -> None:
    device = PretendedDevice()
    tower = small_tower(device)
    tower.warm(4)
    device.replayed.clear()
    collect = tower.start(batch(4)[0])
    tower.warm(8)
    assert device.replayed == [4, *(1, 2, 4, 8)], "the batch had its graph before new ones took its place"
    assert collect().tolist() == batch(4)[1]


def test_a_size_whose_capture_fails_runs_without_a_graph_and_that_is_said_once() -> None:
    device = PretendedDevice(fails_to_capture=frozenset({4, 8}))
    tower = small_tower(device)
    with structlog.testing.capture_logs() as logs:
        tower.warm(MOST)
    (warning,) = logs
    assert (warning["log_level"], warning["sizes"]) == ("warning", [4, 8])
    assert "not permitted" in warning["error"]
    assert device.captured == [MOST, 2, 1]
    device.replayed.clear()
    for count in (3, 8, MOST):
        pixels, expected = batch(count)
        assert tower.start(pixels)().tolist() == expected
    assert device.replayed == [MOST]


def test_captures_that_work_say_nothing() -> None:
    with structlog.testing.capture_logs() as logs:
        small_tower(PretendedDevice()).warm(MOST)
    assert logs == []


# On a real device


def cuda(test: Callable[..., None]) -> Callable[..., None]:
    needed = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")
    marked: Callable[..., None] = pytest.mark.cuda(needed(test))
    return marked


def on_cuda(dtype: str = "float32", max_batch_size: int = MOST) -> CudaEncoder:
    encoder = load_encoder("demo", device="cuda", dtype=dtype, engine="torch")
    assert isinstance(encoder, CudaEncoder)
    with structlog.testing.capture_logs() as logs:
        encoder.warm(max_batch_size)
    assert logs == [], "every size has its graph"
    return encoder


@cuda
@pytest.mark.parametrize("count", SIZES)
@pytest.mark.parametrize(("dtype", "least"), [("float32", 0.99999), ("bfloat16", 0.999), ("float16", 0.999)], ids=str)
def test_cuda_gives_the_vectors_of_the_cpu(clip: TorchEncoder, dtype: str, least: float, count: int) -> None:
    encoder, pixels = on_cuda(dtype), pictures(clip, count)
    vectors, exact = encoder.encode_images(pixels), clip.encode_images(pixels)
    assert vectors.dtype == np.float32
    assert vectors.shape == exact.shape
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert cosines(vectors, exact).min() >= least


@cuda
@pytest.mark.parametrize("order", [(0, 1), (1, 0)], ids=["in order", "the later one first"])
def test_cuda_keeps_two_batches_apart(clip: TorchEncoder, order: tuple[int, int]) -> None:
    encoder = on_cuda()
    inputs = [pictures(clip, MOST, seed) for seed in range(2)]
    exact = [clip.encode_images(pixels) for pixels in inputs]
    for _ in range(50):
        collect = [encoder.start_images(pixels) for pixels in inputs]
        for i in order:
            assert cosines(collect[i](), exact[i]).min() >= 0.9999


@cuda
def test_cuda_keeps_every_batch_apart_while_sizes_change_and_texts_come_between(clip: TorchEncoder) -> None:
    encoder = on_cuda()
    texts = clip.encode_texts(["a person"])
    inputs = [pictures(clip, 1 + seed % (MOST + 3), seed) for seed in range(60)]
    collect = [encoder.start_images(inputs[0])]
    for i, pixels in enumerate(inputs):
        if i + 1 < len(inputs):
            collect.append(encoder.start_images(inputs[i + 1]))
        if i % 10 == 0:
            assert cosines(encoder.encode_texts(["a person"]), texts).min() >= 0.9999
        assert cosines(collect[i](), clip.encode_images(pixels)).min() >= 0.9999


@cuda
def test_cuda_tells_what_does_not_fit_and_goes_on(clip: TorchEncoder) -> None:
    encoder, pixels = on_cuda(), pictures(clip, 4)
    total = torch.cuda.get_device_properties(torch.cuda.current_device()).total_memory
    collect = encoder.start_images(pixels)
    torch.cuda.set_per_process_memory_fraction((torch.cuda.memory_reserved() + 2**28) / total)
    try:
        with pytest.raises(DeviceOutOfMemory):
            encoder.encode_images(np.zeros((4096, *pixels.shape[1:]), np.uint8))
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
    exact = clip.encode_images(pixels)
    assert cosines(collect(), exact).min() >= 0.9999
    assert cosines(encoder.encode_images(pixels), exact).min() >= 0.9999


@cuda
def test_cuda_that_can_not_capture_runs_without_graphs(clip: TorchEncoder) -> None:
    module = clip.image_module()

    def synchronising(inputs: torch.Tensor) -> torch.Tensor:
        torch.cuda.synchronize()  # what a capture does not permit
        vectors: torch.Tensor = module(inputs.cpu())
        return vectors.cuda()

    tower = CudaTower(synchronising, clip.info.image_size, clip.info.vector_size, CudaBackend(torch.device("cuda")))
    with structlog.testing.capture_logs() as logs:
        tower.warm(4)
    assert [log["sizes"] for log in logs] == [[1, 2, 4]]
    pixels = pictures(clip, 3)
    assert cosines(tower.start(pixels)(), clip.encode_images(pixels)).min() >= 0.9999
