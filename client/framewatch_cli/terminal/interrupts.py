"""Ctrl-C as the end of a source rather than of everything."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(slots=True)
class Interrupt:
    """Whether Ctrl-C was pressed."""

    came: bool = False


@contextmanager
def first_interrupt(end: Callable[[], object], *, wanted: bool = True) -> Iterator[Interrupt]:
    """The first Ctrl-C calls `end` instead of raising; a second one does what it did before.

    Args:
        end: lets what runs come to its end.
        wanted: False: changes nothing. So it is, too, where the event loop can't do it (Windows, other threads).

    """
    interrupt = Interrupt()
    loop = asyncio.get_running_loop()
    before = signal.getsignal(signal.SIGINT)

    def take() -> None:
        interrupt.came = True
        restore()
        end()

    def restore() -> None:
        if loop.remove_signal_handler(signal.SIGINT):
            signal.signal(signal.SIGINT, before)

    if not wanted or not _take_over(loop, take):
        yield interrupt
        return
    try:
        yield interrupt
    finally:
        restore()


def _take_over(loop: asyncio.AbstractEventLoop, take: Callable[[], None]) -> bool:
    try:
        loop.add_signal_handler(signal.SIGINT, take)
    except (NotImplementedError, RuntimeError, ValueError):
        return False
    return True
