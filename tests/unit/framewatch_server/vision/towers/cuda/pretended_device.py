"""A pretended CUDA device, and a small module and the demo model's pictures to run on it.

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
import torch

from framewatch_core.arrays import Float32Array
from framewatch_server.vision.towers.cuda.backend import Work
from framewatch_server.vision.towers.cuda.tower import CudaImageTower
from framewatch_server.vision.towers.encoder import Encoder

MOST = 11
SIZES = [
    pytest.param(1, id="one"),
    pytest.param(3, id="padded"),
    pytest.param(8, id="a graph's size"),
    pytest.param(MOST, id="the largest"),
    pytest.param(MOST + 3, id="more than the largest"),
]
ROOM = 40
"""Number of pictures that the small module's device has memory for."""


class _Done:
    """The event of work that is done when it is submitted."""

    def synchronize(self) -> None:
        pass


class ImmediateBackend:
    """A backend on the CPU: work is done when it is submitted, and a graph is the function itself."""

    copies: Any = "copies"
    compute: Any = "compute"

    def pinned(self, *shape: int, dtype: torch.dtype) -> torch.Tensor:
        return torch.empty(shape, dtype=dtype)

    def empty(self, *shape: int, dtype: torch.dtype) -> torch.Tensor:
        return torch.empty(shape, dtype=dtype)

    def submit(self, _: Any, work: Work) -> None:
        work()

    def record(self, _: Any) -> Any:
        return _Done()

    def wait(self, stream: Any, event: Any) -> None:
        pass

    def capture(self, work: Work) -> Work:
        return work

    def reclaim(self) -> None:
        pass


class Event:
    """A point in a pretended stream."""

    def __init__(self, device: PretendedDevice, stream: str, position: int) -> None:
        self._device, self._stream, self._position = device, stream, position

    def synchronize(self) -> None:
        self._device.log.append(f"host waits for {self._stream} {self._position}")
        self.pass_by()

    def pass_by(self) -> None:
        self._device.run(self._stream, self._position)


@dataclass
class PretendedDevice(ImmediateBackend):
    """Runs submitted work when something waits for it, or at once for the streams in `early`; records the calls."""

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
    pytest.param(ImmediateBackend, id="at once"),
    pytest.param(PretendedDevice, id="late"),
    pytest.param(lambda: PretendedDevice(early=frozenset({"copies"})), id="copies early"),
    pytest.param(lambda: PretendedDevice(early=frozenset({"compute"})), id="computation early"),
]


def small_module(pixels: torch.Tensor) -> torch.Tensor:
    """A vector with the first two values of each picture; for too many pictures at once, no memory."""
    if len(pixels) > ROOM:
        raise torch.OutOfMemoryError(f"{len(pixels)} pictures")
    return pixels[:, 0, 0, :2].float()


def small_tower(
    device: ImmediateBackend, module: Callable[[torch.Tensor], torch.Tensor] = small_module
) -> CudaImageTower:
    return CudaImageTower(module, (1, 2), 2, device)


def batch(count: int, first: int = 0) -> tuple[npt.NDArray[np.uint8], list[list[float]]]:
    """Pictures for the small module, no two alike, and their vectors."""
    values = np.arange(first, first + 2 * count).reshape(count, 2) % 251
    pixels = np.repeat(values[:, None, None, :], 3, axis=1).astype(np.uint8)
    return pixels, values.astype(float).tolist()


def pictures(encoder: Encoder, count: int, seed: int = 0) -> npt.NDArray[np.uint8]:
    """Blocks of colours, no two pictures alike, as the model's input."""
    coarse = np.random.default_rng(seed).integers(0, 256, (count, 3, 4, 4), np.uint8)
    height, width = encoder.info.image_size
    return np.ascontiguousarray(coarse.repeat(height // 4, axis=2).repeat(width // 4, axis=3))


def cosines(one: Float32Array, other: Float32Array) -> npt.NDArray[np.float32]:
    """Cosines of the embeddings, which come first."""
    return np.asarray(np.sum(one[:, :96] * other[:, :96], axis=1))
