"""Batches across all streams and calls, on one device thread.

The device takes what waits, up to `max_batch_size`, the moment it is free: there is no timer, so a lone picture never
waits for company, and under load batches fill by themselves.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Self, TypeVar

import numpy as np

from framewatch_core.errors import ServerDraining, ServerUnavailable
from framewatch_core.scoring import Float32Array
from framewatch_server.vision.decode import UInt8Array
from framewatch_server.vision.encoder import Encoder

ResultT = TypeVar("ResultT")


@dataclass(frozen=True, slots=True)
class Embedded:
    """A picture's L2-normalised embedding `[dimension]`, and how it came about."""

    vector: Float32Array
    queue_ns: int
    inference_ns: int
    batch_size: int


@dataclass(slots=True, eq=False)
class _Waiting:
    pixels: UInt8Array
    future: asyncio.Future[Embedded]
    since_ns: int = field(default_factory=time.perf_counter_ns)


class Batcher:
    """Owns the device thread; use as an async context manager."""

    def __init__(self, encoder: Encoder, max_batch_size: int) -> None:
        self._encoder = encoder
        self._max_batch_size = max_batch_size
        self._device = ThreadPoolExecutor(1, thread_name_prefix="device")
        self._waiting: deque[_Waiting] = deque()
        self._arrived = asyncio.Event()
        self._loop_task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._loop_task = asyncio.create_task(self._serve(), name="batcher")
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._loop_task is not None:
            self._loop_task.cancel()
            await asyncio.wait([self._loop_task])
        await asyncio.to_thread(self._device.shutdown)

    async def embed(self, pixels: UInt8Array) -> Embedded:
        """Embeds one picture, uint8 `[3, height, width]`, together with others. Raises what the batch's failure was."""
        if self._loop_task is None or self._loop_task.done():
            raise ServerUnavailable("the server's device is not running: try again, or look into the server's log")
        waiting = _Waiting(pixels, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        self._arrived.set()
        return await waiting.future

    async def run_on_device(self, function: Callable[..., ResultT], *args: Any) -> ResultT:
        """Calls a function on the device thread, between batches."""
        return await asyncio.get_running_loop().run_in_executor(self._device, function, *args)

    async def _serve(self) -> None:
        # whatever ends the loop, nobody may wait for an answer that can't come
        try:
            while True:
                await self._arrived.wait()
                if batch := self._take():
                    await self._run(batch)
                else:
                    self._arrived.clear()
        except asyncio.CancelledError:
            self._fail_all(self._waiting, ServerDraining("the server is stopping: try again"))
            raise
        except Exception:
            self._fail_all(self._waiting, ServerUnavailable("the server's device stopped: try again"))
            raise

    def _take(self) -> list[_Waiting]:
        batch: list[_Waiting] = []
        while self._waiting and len(batch) < self._max_batch_size:
            waiting = self._waiting.popleft()
            if not waiting.future.done():  # the caller may be gone
                batch.append(waiting)
        return batch

    async def _run(self, batch: list[_Waiting]) -> None:
        started_ns = time.perf_counter_ns()
        try:
            vectors = await _uncancelled(
                self.run_on_device(self._encoder.encode_images, np.stack([waiting.pixels for waiting in batch]))
            )
        except asyncio.CancelledError:
            self._fail_all(batch, ServerDraining("the server is stopping: try again"))
            raise
        except Exception as error:
            self._fail_all(batch, error)
            return
        inference_ns = time.perf_counter_ns() - started_ns
        for waiting, vector in zip(batch, vectors, strict=True):
            if not waiting.future.done():
                queue_ns = started_ns - waiting.since_ns
                waiting.future.set_result(Embedded(vector, queue_ns, inference_ns, len(batch)))

    @staticmethod
    def _fail_all(batch: deque[_Waiting] | list[_Waiting], error: Exception) -> None:
        for waiting in batch:
            if not waiting.future.done():
                waiting.future.set_exception(error)
        batch.clear()


async def _uncancelled(running: Coroutine[Any, Any, ResultT]) -> ResultT:
    """Waits to the end even if the waiting task is cancelled: a batch on the device can't be called back."""
    task = asyncio.ensure_future(running)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise
