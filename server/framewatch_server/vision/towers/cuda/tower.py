"""The image tower on CUDA: two batches under way, copies beside the computation, and CUDA graphs.

    pixels → pinned buffer ─(copy stream)→ staging ─(compute stream)→ graph's input → graph → pinned buffer → vectors

Each batch has one of two slots, with buffers of its own; the graphs' input and output are shared, and used in the
order of the compute stream.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import cycle

import numpy as np
import numpy.typing as npt
import torch

from framewatch_core.arrays import Float32Array
from framewatch_server.vision.towers.cuda.backend import Backend
from framewatch_server.vision.towers.cuda.buffers import SLOTS, Batch, Buffers, Slot
from framewatch_server.vision.towers.cuda.graphs import Graphs, Module, batch_sizes, capture_graphs
from framewatch_server.vision.towers.encoder import DeviceOutOfMemory


class CudaImageTower:
    """A model's image tower on a CUDA device, which computes a batch while the next one is copied; see `ImageTower`."""

    default_batch_size = 128
    in_flight = SLOTS

    def __init__(self, module: Module, image_size: tuple[int, int], vector_size: int, backend: Backend) -> None:
        """Sets up a tower; `warm` allocates the memory.

        Args:
            module: from uint8 pixels `[n, 3, height, width]` to float32 vectors `[n, vector_size]`, on the device.
            image_size: height and width of the input, in pixels.
            vector_size: of one vector.
            backend: the device.

        """
        self._module = module
        self._input_shape = (3, *image_size)
        self._vector_size = vector_size
        self._backend = backend
        self._slots = [Slot() for _ in range(SLOTS)]
        self._next_slot = cycle(self._slots)
        self._graphs: Graphs | None = None

    @torch.inference_mode()
    def warm(self, max_batch_size: int) -> None:
        """Allocates memory and captures graphs for batches of up to that size; larger ones run without a graph.

        Raises DeviceOutOfMemory if the largest does not fit.
        """
        sizes = batch_sizes(max_batch_size)
        with self._recovering():
            self._backend.reclaim()  # no graph under way may be freed
            self._graphs = None
            for slot in self._slots:
                slot.buffers = None  # of an attempt with larger batches, which did not fit
            for slot in self._slots:
                self._reserve(slot, max_batch_size)
            self._graphs = capture_graphs(self._module, self._backend, sizes, self._input_shape, self._vector_size)
        for size in sizes:
            self.encode(np.zeros((size, *self._input_shape), np.uint8))

    def encode(self, pixels: npt.NDArray[np.uint8]) -> Float32Array:
        """Returns vectors `[n, vector_size]` of RGB inputs `[n, 3, height, width]`. Raises DeviceOutOfMemory."""
        return self.start(pixels)()

    @torch.inference_mode()
    def start(self, pixels: npt.NDArray[np.uint8]) -> Callable[[], Float32Array]:
        """Starts a batch `[n, 3, height, width]` and returns a function that waits for its vectors `[n, vector_size]`.

        When a slot is needed whose batch was not collected yet, that batch is waited for and its vectors are kept.
        Raises DeviceOutOfMemory; the tower stays usable, and other batches under way are not touched.
        """
        slot = next(self._next_slot)
        # once its batch is collected, neither copy nor computation uses the slot's buffers
        slot.release()
        with self._recovering():
            batch = slot.batch = self._start(self._reserve(slot, len(pixels)), torch.from_numpy(pixels))
        return batch.collect

    def _reserve(self, slot: Slot, count: int) -> Buffers:
        return slot.reserve(self._backend, count, self._input_shape, self._vector_size)

    def _start(self, buffers: Buffers, pixels: torch.Tensor) -> Batch:
        count = len(pixels)
        backend = self._backend
        host, staged, output = buffers.host[:count], buffers.staged[:count], buffers.output[:count]
        host.copy_(pixels)
        backend.submit(backend.copies, lambda: staged.copy_(host, non_blocking=True))
        backend.wait(backend.compute, backend.record(backend.copies))
        backend.submit(backend.compute, lambda: output.copy_(self._embed(staged), non_blocking=True))
        return Batch(backend.record(backend.compute), output)

    def _embed(self, staged: torch.Tensor) -> torch.Tensor:
        """Returns the vectors of pixels on the device, by a graph if there is one of a fitting size."""
        graphs, count = self._graphs, len(staged)
        replay = None if graphs is None else graphs.find(count)
        if graphs is None or replay is None:
            return self._module(staged)
        # rows beyond the batch are of earlier ones: no row depends on another
        graphs.pixels[:count].copy_(staged)
        replay()
        return graphs.vectors[:count]

    @contextmanager
    def _recovering(self) -> Iterator[None]:
        """Waits for all work and frees memory after a failure: nothing may still use the buffers, or hold memory."""
        try:
            yield
        except Exception as error:
            # the model's frames hold the tensors computed so far
            traceback.clear_frames(error.__traceback__)
            self._backend.reclaim()
            if isinstance(error, torch.OutOfMemoryError):
                raise DeviceOutOfMemory(str(error)) from error
            raise
