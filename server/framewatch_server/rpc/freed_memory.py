"""Return of freed memory to the system: glibc keeps what it has freed, and after large requests that is most of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import psutil
import structlog

from framewatch_server.vision.pixels.allocator import allocated_bytes, give_back_memory

_WORTH_IT_BYTES = 64 * 1024 * 1024
_INTERVAL_S = 5.0

_log = structlog.get_logger()


def kept_bytes() -> int:
    """Returns the memory of this process that is not in blocks in use: what is free, and programs and stacks."""
    return int(psutil.Process().memory_info().rss) - (allocated_bytes() or 0)


class FreedMemory:
    """Gives freed memory back, whoever freed it, when much of it has gathered since the last time."""

    def __init__(
        self,
        kept: Callable[[], int] = kept_bytes,
        give_back: Callable[[], None] = give_back_memory,
        interval_s: float = _INTERVAL_S,
    ) -> None:
        """Sets up the return.

        Args:
            kept: returns the bytes that the process has and does not use, and a part that changes little; called on
                another thread.
            give_back: gives freed memory back to the system; likewise.
            interval_s: time between two looks.

        """
        self._kept = kept
        self._give_back = give_back
        self._interval_s = interval_s

    async def run(self) -> None:
        """Looks at what is kept, and gives it back, until it is cancelled."""
        least: int | None = None
        has_failed = False
        while True:
            try:
                least = await self._look(least)
            except (OSError, RuntimeError, psutil.Error) as error:  # no file or thread is left: there may be one later
                if not has_failed:
                    _log.warning("freed memory can't be given back now", because=str(error))
                has_failed = True
            await asyncio.sleep(self._interval_s)

    async def _look(self, least: int | None) -> int:
        """Gives back what has gathered beyond the least that was kept since the last time; returns the new least."""
        kept = await asyncio.to_thread(self._kept)  # takes some milliseconds where there are many free blocks
        if least is not None and kept - least >= _WORTH_IT_BYTES:
            await asyncio.to_thread(self._give_back)
            # what could not be given back is no reason to try again
            return await asyncio.to_thread(self._kept)
        return kept if least is None else min(least, kept)
