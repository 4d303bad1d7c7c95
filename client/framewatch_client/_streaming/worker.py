"""A thread of one's own for work that may block, answered on the event loop."""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

T = TypeVar("T")


class WorkerThread:
    """Runs functions one after the other. It starts with the first one.

    A daemon thread: one that hangs in a camera's driver must not keep the program from ending, as a pool's would.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._jobs: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._ended: Future[None] = Future()

    async def call(self, function: Callable[[], T]) -> T:
        """The function's result. Cancelled, it keeps a function from starting, but not one that runs from ending."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
            self._thread.start()
        future: Future[T] = Future()
        self._jobs.put(lambda: _settle(future, function))
        return await asyncio.wrap_future(future)

    async def aclose(self, last: Callable[[], object], grace_s: float) -> bool:
        """Runs `last`, then ends the thread; returns whether it has ended within `grace_s` seconds."""
        if self._thread is None:
            last()
            return True
        self._jobs.put(lambda: _settle(Future(), last))
        self._jobs.put(None)
        await asyncio.wait({asyncio.wrap_future(self._ended)}, timeout=grace_s)
        if ended := self._ended.done():
            self._thread.join()
        return ended

    def _run(self) -> None:
        while (job := self._jobs.get()) is not None:
            job()
        self._ended.set_result(None)


def _settle(future: Future[T], function: Callable[[], T]) -> None:
    if not future.set_running_or_notify_cancel():
        return
    try:
        result = function()
    except BaseException as error:
        future.set_exception(error)
    else:
        future.set_result(result)
