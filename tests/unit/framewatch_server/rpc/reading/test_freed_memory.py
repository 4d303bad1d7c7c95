"""Freed memory goes back to the system."""

from __future__ import annotations

import asyncio
import threading

from framewatch_server.rpc.reading.freed_memory import FreedMemory

LARGE = 64 * 1024 * 1024


async def test_much_freed_memory_is_given_back_once() -> None:
    trimmed = threading.Event()
    count = 0

    def trim() -> None:
        nonlocal count
        count += 1
        trimmed.set()

    freed = FreedMemory(trim, pause_s=0.0)
    freed.add(LARGE - 1)
    assert freed._task is None
    freed.add(1)
    freed.add(LARGE)
    assert freed._task is not None
    await freed._task
    assert trimmed.is_set()
    assert count == 1
    freed.add(LARGE)
    assert freed._task is not None
    await freed._task
    assert count == 2


async def test_glibc_can_do_it() -> None:
    freed = FreedMemory(pause_s=0.0)
    freed.add(LARGE)
    assert freed._task is not None
    await asyncio.wait_for(freed._task, 60)
