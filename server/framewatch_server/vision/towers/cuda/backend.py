"""CUDA's own operations, behind a protocol, so that the tower's logic can be tested without a device."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, TypeAlias

import torch

Work: TypeAlias = Callable[[], object]


class Event(Protocol):
    """A point in a stream's work."""

    def synchronize(self) -> None:
        """Waits until the work before it is done."""
        ...


class Backend(Protocol):
    """A device with two streams. Called from one thread; within a stream, work is done in order."""

    copies: Any
    compute: Any

    def pinned(self, *shape: int, dtype: torch.dtype) -> torch.Tensor:
        """Returns memory of the host that the device copies from and to by itself."""
        ...

    def empty(self, *shape: int, dtype: torch.dtype) -> torch.Tensor:
        """Returns memory of the device that any stream may use at once. Raises torch.OutOfMemoryError."""
        ...

    def submit(self, stream: Any, work: Work) -> None:
        """Calls a function whose device work goes to the stream; returns before that is done."""
        ...

    def record(self, stream: Any) -> Event:
        """Returns an event at the end of the work submitted to the stream so far."""
        ...

    def wait(self, stream: Any, event: Any) -> None:
        """Makes later work of the stream begin after the event."""
        ...

    def capture(self, work: Work) -> Work:
        """Records a function's device work and returns a function that repeats it on the compute stream.

        Raises RuntimeError.
        """
        ...

    def reclaim(self) -> None:
        """Waits for all work, and frees memory that is not in use."""
        ...


class CudaBackend:
    """A CUDA device; see `Backend`."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self.copies = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
        self.compute = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
        self._pool = torch.cuda.graph_pool_handle()

    def pinned(self, *shape: int, dtype: torch.dtype) -> torch.Tensor:
        """Returns memory that is not swapped out."""
        return torch.empty(shape, dtype=dtype, pin_memory=True)

    def empty(self, *shape: int, dtype: torch.dtype) -> torch.Tensor:
        """Returns memory of the device."""
        tensor = torch.empty(shape, dtype=dtype, device=self._device)
        # torch orders memory by the stream that it was taken on: other streams may use it once that one is idle
        torch.cuda.synchronize(self._device)
        return tensor

    def submit(self, stream: torch.cuda.Stream, work: Work) -> None:
        """Calls the function with the stream as the current one."""
        with torch.cuda.stream(stream):
            work()

    def record(self, stream: torch.cuda.Stream) -> torch.cuda.Event:
        """Returns an event that sleeps while it waits: a core that spins can't decode."""
        event = torch.cuda.Event(blocking=True)  # type: ignore[no-untyped-call]
        event.record(stream)
        return event

    def wait(self, stream: torch.cuda.Stream, event: torch.cuda.Event) -> None:
        """Makes the stream wait, not the caller."""
        stream.wait_event(event)

    def capture(self, work: Work) -> Work:
        """Captures a CUDA graph. All graphs share memory, since they run one after another."""
        graph = torch.cuda.CUDAGraph()
        # twice the stream: if a capture fails, torch.cuda.graph leaves it as the thread's current one
        with torch.cuda.stream(self.compute):
            try:
                # thread_local: CUDA calls of other threads don't break this capture
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
