"""Bridges between threads and event loops, one for each direction.

`WorkerThread` runs functions that block for an event loop. `LoopThread` runs coroutines for threads.
"""

from __future__ import annotations

import asyncio
import queue
import threading
import weakref
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Iterator
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager
from typing import Final, Generic, TypeVar, cast

from anyio.from_thread import BlockingPortal, start_blocking_portal

from framewatch_client.errors import ClientClosed

T = TypeVar("T")

_END: Final = object()


class WorkerThread:
    """A thread that runs functions one after the other for an event loop. It starts with the first function.

    A daemon thread: one that hangs in a camera's driver must not keep the program from ending, as a pool's would.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._jobs: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._ended: Future[None] = Future()

    async def call(self, function: Callable[[], T]) -> T:
        """Returns the function's result. Cancelled, it stops a function that waits, but not one that runs."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
            self._thread.start()
        future: Future[T] = Future()
        self._jobs.put(lambda: _resolve(future, function))
        return await asyncio.wrap_future(future)

    async def aclose(self, last: Callable[[], object], grace_s: float) -> bool:
        """Runs `last`, then ends the thread. Returns True if it has ended within `grace_s` seconds."""
        if self._thread is None:
            last()
            return True
        self._jobs.put(lambda: _resolve(Future(), last))
        self._jobs.put(None)
        await asyncio.wait({asyncio.wrap_future(self._ended)}, timeout=grace_s)
        if ended := self._ended.done():
            self._thread.join()
        return ended

    def _run(self) -> None:
        while (job := self._jobs.get()) is not None:
            job()
        self._ended.set_result(None)


def _resolve(future: Future[T], function: Callable[[], T]) -> None:
    if not future.set_running_or_notify_cancel():
        return
    try:
        result = function()
    except BaseException as error:
        future.set_exception(error)
    else:
        future.set_result(result)


class LoopThread:
    """An event loop in a thread of its own, for any number of other threads.

    One that is never closed is closed at the end of the program, which would hang on its generators otherwise.
    """

    def __init__(self, last: Callable[[], Awaitable[object]]) -> None:
        """Starts the thread. `last`: runs on the loop before it ends; a reference to this object would keep it open."""
        stack = ExitStack()
        self._portal: BlockingPortal = stack.enter_context(start_blocking_portal())
        stack.callback(self._portal.call, last)
        self._finalizer = weakref.finalize(self, stack.close)

    def close(self) -> None:
        """Ends the loop and the thread."""
        self._finalizer()

    def call(self, function: Callable[[], Awaitable[T]]) -> T:
        """Returns the result of a coroutine. Raises ClientClosed if the loop has ended."""
        with self._closed_as_error():
            return self._portal.call(function)

    def iterate(self, items: AsyncGenerator[T, None]) -> Generator[T, None, None]:
        """Yields the items of an asynchronous generator. Closing this generator closes that one.

        Raises ClientClosed if the loop has ended.
        """
        steps = _Steps(items)
        try:
            while (item := self._step(steps)) is not _END:
                yield cast("T", item)
        finally:
            if self._finalizer.alive:
                self._portal.call(steps.close)

    def _step(self, steps: _Steps[T]) -> T | object:
        with self._closed_as_error():
            future = self._portal.start_task_soon(steps.next)
        try:
            return future.result()
        except BaseException:
            future.cancel()  # Ctrl-C is raised here while the step goes on
            raise

    @contextmanager
    def _closed_as_error(self) -> Iterator[None]:
        """Raises ClientClosed for the RuntimeError of a portal that does not run any more."""
        try:
            yield
        except RuntimeError:
            if self._finalizer.alive:
                raise
            raise ClientClosed from None


class _Steps(Generic[T]):
    """An asynchronous generator, stepped from another thread, never two steps at once: closing waits for a step."""

    def __init__(self, items: AsyncGenerator[T, None]) -> None:
        self._items = items
        self._lock = asyncio.Lock()

    async def next(self) -> T | object:
        """Returns the next item; _END at the end."""
        async with self._lock:
            return await anext(self._items, _END)

    async def close(self) -> None:
        """Ends the generator."""
        async with self._lock:
            await self._items.aclose()
