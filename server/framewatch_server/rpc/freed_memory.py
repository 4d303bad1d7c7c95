"""Return of freed memory to the system: glibc keeps what it has freed, and after large requests that is most of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import psutil

from framewatch_server.vision.pixels.allocator import give_back_memory

_WORTH_IT_BYTES = 64 * 1024 * 1024
_INTERVAL_S = 5.0


class FreedMemory:
    """Gives freed memory back, time and again, if the process has grown since it was last done.

    What has grown may be in use: then nothing is freed by it, and the process must grow once more before the next try.
    So it doesn't matter who freed the memory, and at a steady size nothing is done.
    """

    def __init__(
        self,
        resident: Callable[[], int] = lambda: int(psutil.Process().memory_info().rss),
        give_back: Callable[[], None] = give_back_memory,
        interval_s: float = _INTERVAL_S,
    ) -> None:
        """Sets up the return.

        Args:
            resident: returns the bytes of memory that the process has.
            give_back: gives freed memory back to the system; called on another thread.
            interval_s: time between two looks at the size.

        """
        self._resident = resident
        self._give_back = give_back
        self._interval_s = interval_s

    async def run(self) -> None:
        """Looks at the size, and gives back what is free, until it is cancelled."""
        smallest = self._resident()
        while True:
            await asyncio.sleep(self._interval_s)
            size = self._resident()
            if size - smallest >= _WORTH_IT_BYTES:
                await asyncio.to_thread(self._give_back)
                smallest = self._resident()
            smallest = min(smallest, size)
