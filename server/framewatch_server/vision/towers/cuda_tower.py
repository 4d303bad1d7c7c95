"""The image tower on CUDA: two batches under way, copies beside the computation, and CUDA graphs.

    pixels → pinned buffer ─(copy stream)→ staging ─(compute stream)→ graph's input → graph → pinned buffer → vectors

Each batch has one of two slots, with buffers of its own; the graphs' input and output are shared, and used in the
order of the compute stream. A graph takes a batch of one size only: batches are padded up to the next size there is.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import cycle
from typing import Any, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt
import structlog
import torch

from framewatch_core.arrays import Float32Array
from framewatch_server.vision.towers.encoder import DeviceOutOfMemory

SLOTS = 2
"""Batches under way: one that is computed, and one that is copied meanwhile."""

_WARM_UPS = 3
"""Runs before a capture, as torch's own make_graphed_callables has them: libraries set themselves up in the first."""

Work: TypeAlias = Callable[[], object]

_log = structlog.get_logger()


class Event(Protocol):
    """A point in a stream's work."""

    def synchronize(self) -> None:
        """Waits until the work before it is done."""
        ...


class Backend(Protocol):
    """What is CUDA's own. Called from one thread; within a stream, work is done in order."""

    copies: Any
    compute: Any

    def pinned(self, *shape: int, dtype: torch.dtype) -> torch.Tensor:
        """Memory of the host that the device copies from and to by itself."""
        ...

    def empty(self, *shape: int, dtype: torch.dtype) -> torch.Tensor:
        """Memory of the device that any stream may use at once. Raises torch.OutOfMemoryError."""
        ...

    def submit(self, stream: Any, work: Work) -> None:
        """Calls a function whose device work goes to the stream; returns before that is done."""
        ...

    def record(self, stream: Any) -> Event:
        """Marks the end of what was submitted to the stream so far."""
        ...

    def wait(self, stream: Any, event: Any) -> None:
        """What is submitted to the stream from now on begins after the event."""
        ...

    def capture(self, work: Work) -> Work:
        """Records a function's device work, and returns what repeats it on the compute stream. Raises RuntimeError."""
        ...

    def reclaim(self) -> None:
        """Waits for all work, and gives back memory that is not in use."""
        ...


class _Done:
    """The event of work that is done when it is submitted."""

    def synchronize(self) -> None:
        """Nothing is left to wait for."""


class EagerBackend:
    """The CPU: work is done when it is submitted, and a graph is the function itself."""

    copies: Any = "copies"
    compute: Any = "compute"

    def pinned(self, *shape: int, dtype: torch.dtype) -> torch.Tensor:
        """Plain memory."""
        return torch.empty(shape, dtype=dtype)

    def empty(self, *shape: int, dtype: torch.dtype) -> torch.Tensor:
        """Plain memory."""
        return torch.empty(shape, dtype=dtype)

    def submit(self, stream: Any, work: Work) -> None:  # noqa: ARG002
        """Does the work."""
        work()

    def record(self, stream: Any) -> Event:  # noqa: ARG002
        """An event that has passed."""
        return _Done()

    def wait(self, stream: Any, event: Any) -> None:
        """Every event has passed."""

    def capture(self, work: Work) -> Work:
        """The work itself."""
        return work

    def reclaim(self) -> None:
        """Nothing is under way or cached."""


class CudaBackend:
    """A CUDA device; see `Backend`."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self.copies = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
        self.compute = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
        self._pool = torch.cuda.graph_pool_handle()

    def pinned(self, *shape: int, dtype: torch.dtype) -> torch.Tensor:
        """Memory that is not swapped out."""
        return torch.empty(shape, dtype=dtype, pin_memory=True)

    def empty(self, *shape: int, dtype: torch.dtype) -> torch.Tensor:
        """Memory of the device."""
        tensor = torch.empty(shape, dtype=dtype, device=self._device)
        # torch orders memory by the stream that it was taken on: other streams may use it once that one is idle
        torch.cuda.synchronize(self._device)
        return tensor

    def submit(self, stream: torch.cuda.Stream, work: Work) -> None:
        """Calls the function with the stream as the current one."""
        with torch.cuda.stream(stream):
            work()

    def record(self, stream: torch.cuda.Stream) -> torch.cuda.Event:
        """An event that sleeps while it waits: a core that spins can't decode."""
        event = torch.cuda.Event(blocking=True)  # type: ignore[no-untyped-call]
        event.record(stream)
        return event

    def wait(self, stream: torch.cuda.Stream, event: torch.cuda.Event) -> None:
        """Makes the stream wait, not the caller."""
        stream.wait_event(event)

    def capture(self, work: Work) -> Work:
        """Captures a CUDA graph. All of them share memory, since they run one after another."""
        graph = torch.cuda.CUDAGraph()
        # twice the stream: if a capture fails, torch.cuda.graph leaves it as the thread's current one
        with torch.cuda.stream(self.compute):
            try:
                # thread_local: what other threads do with CUDA meanwhile is none of this capture's business
                with torch.cuda.graph(graph, self._pool, self.compute, capture_error_mode="thread_local"):
                    work()
            except RuntimeError:
                # the pool may still count as in use by the capture that failed
                self._pool = torch.cuda.graph_pool_handle()
                raise
        return graph.replay

    def reclaim(self) -> None:
        """Waits for the device and empties torch's cache."""
        torch.cuda.synchronize(self._device)
        torch.cuda.empty_cache()


class _Batch:
    """A batch under way, or its vectors."""

    def __init__(self, done: Event, output: torch.Tensor) -> None:
        self._done = done
        self._output = output
        self._vectors: Float32Array | None = None

    def collect(self) -> Float32Array:
        """Waits for the vectors `[n, dimension]`, and takes them out of the slot's buffer."""
        if self._vectors is None:
            self._done.synchronize()
            self._vectors = self._output.numpy().copy()
        return self._vectors


@dataclass(frozen=True, slots=True)
class _Buffers:
    """Room for a number of pictures.

    Attributes:
        host: uint8 `[n, 3, height, width]`, pinned.
        staged: the same on the device.
        output: float32 `[n, dimension]`, pinned.

    """

    host: torch.Tensor
    staged: torch.Tensor
    output: torch.Tensor


@dataclass(slots=True)
class _Slot:
    buffers: _Buffers | None = None
    batch: _Batch | None = None

    def settle(self) -> None:
        """Collects the batch that has the buffers, if there is one, for whoever asks for it later."""
        batch, self.batch = self.batch, None
        if batch is not None:
            batch.collect()


@dataclass(frozen=True, slots=True)
class _Prepared:
    """Batch sizes, ascending, with the graphs' input and output, and the graphs that could be captured."""

    sizes: tuple[int, ...]
    pixels: torch.Tensor
    vectors: torch.Tensor
    graphs: dict[int, Work]


class CudaTower:
    """From uint8 pixels to unit vectors; everything is called from one thread."""

    def __init__(
        self,
        module: Callable[[torch.Tensor], torch.Tensor],
        input_size: tuple[int, int],
        dimension: int,
        backend: Backend,
    ) -> None:
        """Sets up a tower; `warm` takes the memory.

        Args:
            module: from uint8 pixels `[n, 3, height, width]` to float32 unit vectors `[n, dimension]`, on the device.
            input_size: height and width.
            dimension: of the vectors.
            backend: the device.

        """
        self._module = module
        self._input_shape = (3, *input_size)
        self._dimension = dimension
        self._backend = backend
        self._slots = [_Slot() for _ in range(SLOTS)]
        self._next_slot = cycle(self._slots)
        self._prepared: _Prepared | None = None

    @torch.inference_mode()
    def warm(self, max_batch_size: int) -> None:
        """Takes memory and captures graphs for batches of up to that size; larger ones run without a graph.

        Raises DeviceOutOfMemory if the largest does not fit.
        """
        sizes = batch_sizes(max_batch_size)
        with self._recovering():
            self._backend.reclaim()  # no graph under way may be thrown away
            self._prepared = None
            for slot in self._slots:
                self._room(slot, max_batch_size)
            self._prepared = self._prepare(sizes)
        for size in sizes:
            self.start(np.zeros((size, *self._input_shape), np.uint8))()

    @torch.inference_mode()
    def start(self, pixels: npt.NDArray[np.uint8]) -> Callable[[], Float32Array]:
        """Starts a batch `[n, 3, height, width]`; the function returned waits for its vectors `[n, dimension]`.

        When a slot is needed whose batch was not collected yet, that batch is waited for and its vectors are kept.
        Raises DeviceOutOfMemory; the tower stays usable, and other batches under way are not touched.
        """
        slot = next(self._next_slot)
        # once its batch is collected, neither copy nor computation uses the slot's buffers
        slot.settle()
        with self._recovering():
            batch = slot.batch = self._start(self._room(slot, len(pixels)), torch.from_numpy(pixels))
        return batch.collect

    def _start(self, buffers: _Buffers, pixels: torch.Tensor) -> _Batch:
        count = len(pixels)
        backend = self._backend
        host, staged, output = buffers.host[:count], buffers.staged[:count], buffers.output[:count]
        host.copy_(pixels)
        backend.submit(backend.copies, lambda: staged.copy_(host, non_blocking=True))
        backend.wait(backend.compute, backend.record(backend.copies))
        backend.submit(backend.compute, lambda: output.copy_(self._embed(staged), non_blocking=True))
        return _Batch(backend.record(backend.compute), output)

    def _embed(self, staged: torch.Tensor) -> torch.Tensor:
        """The vectors of pixels that are on the device, with a graph if there is one of a fitting size."""
        prepared, count = self._prepared, len(staged)
        if prepared is None or count > prepared.sizes[-1]:
            return self._module(staged)
        replay = prepared.graphs.get(next(size for size in prepared.sizes if size >= count))
        if replay is None:
            return self._module(staged)
        # rows beyond the batch are of earlier ones: no row depends on another
        prepared.pixels[:count].copy_(staged)
        replay()
        return prepared.vectors[:count]

    def _room(self, slot: _Slot, count: int) -> _Buffers:
        if slot.buffers is None or len(slot.buffers.staged) < count:
            slot.buffers = None  # before the larger ones are taken
            slot.buffers = self._allocate(count)
        return slot.buffers

    def _allocate(self, count: int) -> _Buffers:
        return _Buffers(
            host=self._backend.pinned(count, *self._input_shape, dtype=torch.uint8),
            staged=self._backend.empty(count, *self._input_shape, dtype=torch.uint8),
            output=self._backend.pinned(count, self._dimension, dtype=torch.float32),
        )

    def _prepare(self, sizes: tuple[int, ...]) -> _Prepared:
        prepared = _Prepared(
            sizes=sizes,
            pixels=self._backend.empty(sizes[-1], *self._input_shape, dtype=torch.uint8),
            vectors=self._backend.empty(sizes[-1], self._dimension, dtype=torch.float32),
            graphs={},
        )
        failed: dict[int, str] = {}
        # the largest first, so that the others find room in its memory
        for size in reversed(sizes):
            work = partial(self._run, prepared.pixels[:size], prepared.vectors[:size])
            for _ in range(_WARM_UPS):
                self._backend.submit(self._backend.compute, work)
            try:
                prepared.graphs[size] = self._backend.capture(work)
            except RuntimeError as error:
                failed[size] = str(error).partition("\n")[0]
        if failed:
            self._backend.reclaim()
            _log.warning(
                "CUDA graphs could not be captured: batches up to these sizes run without, which is slower",
                sizes=sorted(failed),
                error=next(iter(failed.values())),
            )
        return prepared

    def _run(self, pixels: torch.Tensor, vectors: torch.Tensor) -> None:
        vectors.copy_(self._module(pixels))

    @contextmanager
    def _recovering(self) -> Iterator[None]:
        """After a failure nothing that was submitted may still use the buffers, or hold memory."""
        try:
            yield
        except Exception as error:
            # the model's frames hold what was computed so far
            traceback.clear_frames(error.__traceback__)
            self._backend.reclaim()
            if isinstance(error, torch.OutOfMemoryError):
                raise DeviceOutOfMemory(str(error)) from error
            raise


def batch_sizes(max_batch_size: int) -> tuple[int, ...]:
    """Powers of two below the largest batch, and that one; ascending."""
    return (*(2**i for i in range((max_batch_size - 1).bit_length())), max_batch_size)
