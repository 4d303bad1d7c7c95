"""Return of freed memory to the system: glibc keeps what it has freed, and after large requests that is most of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from framewatch_server.vision.pixels.allocator import give_back_memory

_WORTH_IT_BYTES = 64 * 1024 * 1024
_PAUSE_S = 5.0


class FreedMemory:
    """Gives memory back when much of it has been freed, on another thread; used from the event loop."""

    def __init__(self, trim: Callable[[], None] = give_back_memory, pause_s: float = _PAUSE_S) -> None:
        """Sets up the return.

        Args:
            trim: gives freed memory back to the system.
            pause_s: time from when there is enough of it until it is given back: more may follow.

        """
        self._trim = trim
        self._pause_s = pause_s
        self._freed_bytes = 0
        self._task: asyncio.Task[None] | None = None

    def add(self, count: int) -> None:
        """Takes note of bytes that have been freed."""
        self._freed_bytes += count
        if self._freed_bytes >= _WORTH_IT_BYTES and self._task is None:
            self._task = asyncio.ensure_future(self._give_back())

    async def _give_back(self) -> None:
        await asyncio.sleep(self._pause_s)
        self._freed_bytes = 0
        await asyncio.to_thread(self._trim)
        self._task = None
