"""Bridges between threads and event loops, one for each direction.

`WorkerThread` runs functions that block for an event loop. `LoopThread` runs coroutines for threads.
"""

from __future__ import annotations

import asyncio
import queue
import threading
import weakref
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from concurrent.futures import CancelledError, Future
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, Generic, TypeVar, cast

from framewatch_client._forks import Process
from framewatch_client.errors import ClientClosed, ClientForked

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

    One that is never closed is closed at the end of the program, which would hang on its generators otherwise. In a
    child of the process, which has no such thread, each method raises ClientForked at once.
    """

    def __init__(self, last: Callable[[], Awaitable[object]]) -> None:
        """Starts the thread. `last`: runs on the loop before it ends; a reference to this object would keep it open."""
        self._loop = _Loop(last)
        self._finalizer = weakref.finalize(self, self._loop.end)

    def close(self) -> None:
        """Ends the loop and the thread. What runs on it raises ClientClosed.

        Raises:
            RuntimeError: it is called on the loop's own thread, which would wait for itself.

        """
        self._loop.check_other_thread()
        self._finalizer()

    def call(self, function: Callable[[], Awaitable[T]]) -> T:
        """Returns the result of a coroutine.

        Raises:
            ClientClosed: the loop has ended, or ends meanwhile.
            ClientForked: the loop is the parent process's.
            RuntimeError: it is called on the loop's own thread, which would wait for itself.

        """
        self._loop.check_other_thread()
        future = self._loop.submit(function)
        try:
            outcome = future.result()
        except CancelledError:
            raise ClientClosed from None
        except BaseException:
            future.cancel()  # Ctrl-C is raised here while the coroutine goes on
            raise
        if isinstance(outcome, _Exit):
            raise outcome.error
        return outcome

    def iterate(self, items: AsyncGenerator[T, None]) -> Generator[T, None, None]:
        """Yields the items of an asynchronous generator. Closing this generator closes that one.

        Raises:
            ClientClosed, ClientForked, RuntimeError: as `call`.

        """
        steps = _Steps(items)
        try:
            while (item := self.call(steps.next)) is not _END:
                yield cast("T", item)
        finally:
            with suppress(ClientClosed, ClientForked, CancelledError):
                ended = self._loop.submit(steps.close)
                if not self._loop.is_running_here:  # the garbage collector may close this anywhere
                    ended.result()


class _Loop:
    """The loop of a LoopThread, its thread, and the order of its end: nothing is submitted after it."""

    def __init__(self, last: Callable[[], Awaitable[object]]) -> None:
        self._last = last
        self._process = Process()
        self._lock = threading.Lock()
        self._ended = False
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="framewatch-client", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_forever()
        finally:
            self._loop.run_until_complete(self._loop.shutdown_asyncgens())
            self._loop.run_until_complete(self._loop.shutdown_default_executor())
            self._loop.close()

    @property
    def is_running_here(self) -> bool:
        """True on the loop's own thread."""
        return threading.current_thread() is self._thread

    def check_other_thread(self) -> None:
        """Raises RuntimeError on the loop's own thread."""
        if self.is_running_here:
            raise RuntimeError(
                "a blocking client can't be used in a function that it calls itself, such as on_started: it would wait "
                "for itself; use the client after the function has returned, or another client"
            )

    def submit(self, function: Callable[[], Awaitable[T]]) -> Future[T | _Exit]:
        """Starts a coroutine on the loop. Raises ClientClosed, ClientForked."""
        self._process.check()  # before the lock, which a thread of the parent may have held
        with self._lock:
            if self._ended:
                raise ClientClosed
            return asyncio.run_coroutine_threadsafe(_awaited(function), self._loop)

    def end(self) -> None:
        """Runs `last`, cancels what still runs, and ends the loop and the thread."""
        if not self._process.is_current:
            return
        with self._lock:
            self._ended = True
            finished = asyncio.run_coroutine_threadsafe(self._finish(), self._loop)
        if not self.is_running_here:
            finished.result()
            self._thread.join()

    async def _finish(self) -> None:
        try:
            await self._last()
            others = asyncio.all_tasks() - {asyncio.current_task()}
            for task in others:
                task.cancel()
            await asyncio.gather(*others, return_exceptions=True)
        finally:
            self._loop.stop()


@dataclass(frozen=True, slots=True)
class _Exit:
    """An exception that ends the program, raised by a source or a callback: raised by a task, it would end the loop."""

    error: BaseException


async def _awaited(function: Callable[[], Awaitable[T]]) -> T | _Exit:
    try:
        return await function()
    except (SystemExit, KeyboardInterrupt) as error:
        return _Exit(error)


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
