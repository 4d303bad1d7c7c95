"""Slots: the buffers of the batches that are under way."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from framewatch_core.arrays import Float32Array
from framewatch_server.vision.towers.cuda.backend import Backend, Event

SLOTS = 2
"""Batches under way: one that is computed, and one that is copied meanwhile."""


class Batch:
    """A batch under way, or its vectors."""

    def __init__(self, done: Event, output: torch.Tensor) -> None:
        """Describes a batch that is complete, in the slot's `output`, once the event `done` has passed."""
        self._done = done
        self._output = output
        self._vectors: Float32Array | None = None

    def collect(self) -> Float32Array:
        """Waits for the vectors `[n, vector_size]`, and copies them out of the slot's buffer."""
        if self._vectors is None:
            self._done.synchronize()
            self._vectors = self._output.numpy().copy()
        return self._vectors


@dataclass(frozen=True, slots=True)
class Buffers:
    """Memory for a number of inputs.

    Attributes:
        host: uint8 `[n, 3, height, width]`, pinned.
        staged: the same on the device.
        output: float32 `[n, vector_size]`, pinned.

    """

    host: torch.Tensor
    staged: torch.Tensor
    output: torch.Tensor


@dataclass(slots=True)
class Slot:
    """A place for one batch under way, with buffers of its own.

    Attributes:
        buffers: memory; None: none has been allocated.
        batch: the batch that uses it; None: no batch does.

    """

    buffers: Buffers | None = None
    batch: Batch | None = None

    def release(self) -> None:
        """Collects the batch that uses the buffers, if there is one; its vectors stay available to its caller."""
        batch, self.batch = self.batch, None
        if batch is not None:
            batch.collect()

    def reserve(self, backend: Backend, count: int, input_shape: tuple[int, ...], vector_size: int) -> Buffers:
        """Returns buffers for at least so many inputs, larger ones than before if needed."""
        if self.buffers is None or len(self.buffers.staged) < count:
            self.buffers = None  # before the larger ones are allocated
            self.buffers = Buffers(
                host=backend.pinned(count, *input_shape, dtype=torch.uint8),
                staged=backend.empty(count, *input_shape, dtype=torch.uint8),
                output=backend.pinned(count, vector_size, dtype=torch.float32),
            )
        return self.buffers
