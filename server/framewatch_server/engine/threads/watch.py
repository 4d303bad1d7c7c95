"""The watch over threads: the watchdog with a timer, and the end of threads, in the event loop."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import structlog

from framewatch_server.engine.threads.supervised import SupervisedThread, join_all
from framewatch_server.engine.threads.watchdog import Watchdog

_log = structlog.get_logger()


class Watch:
    """Looks at threads regularly, and reports when one hangs; use from one event loop."""

    def __init__(
        self,
        threads: Sequence[SupervisedThread],
        limit_s: float,
        on_hanging: Callable[[bool], None],
        also: Callable[[], None] = lambda: None,
    ) -> None:
        """Sets up the watch.

        Args:
            threads: to look at.
            limit_s: seconds after which a thread's work counts as hanging.
            on_hanging: called with True when a thread hangs, and with False when none does any more.
            also: called at each look.

        """
        self._threads = threads
        self._limit_s = limit_s
        self._watchdog = Watchdog(limit_s)
        self._on_hanging = on_hanging
        self._also = also
        self._timer: asyncio.TimerHandle | None = None

    def start(self, least_s: float = 0.0) -> None:
        """Looks at the threads from now on; `least_s`: seconds of work that never count as hanging."""
        if least_s > self._limit_s:
            _log.warning(
                "the model is slow: its threads count as hanging later than after --hang-timeout-s; a smaller "
                "--max-batch-size shortens it",
                seconds=round(least_s, 1),
            )
            self._limit_s, self._watchdog = least_s, Watchdog(least_s)
        self._next()

    def stop(self) -> None:
        """Looks no more."""
        if self._timer is not None:
            self._timer.cancel()

    def look(self, now_s: float) -> None:
        """Takes one look; `now_s`: on a clock that never goes back."""
        hung_before = bool(self._watchdog.hung)
        changes = self._watchdog.look(now_s, {thread.name: thread.mark.number for thread in self._threads})
        for name in changes.hung:
            _log.critical(
                "a thread hangs: its work takes too long; health is NOT_SERVING until it returns",
                thread=name,
                hang_timeout_s=self._limit_s,
            )
        for name in changes.returned:
            _log.warning("a thread that hung has returned", thread=name)
        if (hangs := bool(self._watchdog.hung)) is not hung_before:
            self._on_hanging(hangs)
        self._also()

    def _next(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(self._watchdog.interval_s, self._on_timer)

    def _on_timer(self) -> None:
        self._next()
        self.look(time.monotonic())


async def joined(threads: Sequence[SupervisedThread], timeout_s: float) -> list[str]:
    """Waits for the end of threads, at most so long for all together; returns the names of those that still run."""
    # a thread of its own: asyncio's pool may be full of other work
    with ThreadPoolExecutor(1, "join") as pool:
        return await asyncio.get_running_loop().run_in_executor(pool, join_all, threads, timeout_s)
