"""Ctrl-C as the end of a source rather than of the whole command."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(slots=True)
class Interrupt:
    """State of Ctrl-C: `came` turns true when it is pressed."""

    came: bool = False


@contextmanager
def first_interrupt(end: Callable[[], object], *, wanted: bool = True) -> Iterator[Interrupt]:
    """Makes the first Ctrl-C call `end` instead of raising KeyboardInterrupt; a second one raises it as usual.

    It changes nothing where the event loop can't handle signals: on Windows, and on other threads than the main one.

    Args:
        end: asks the running work to end by itself.
        wanted: if false, this changes nothing.

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
    """Installs the handler; returns false where the loop can't."""
    try:
        loop.add_signal_handler(signal.SIGINT, take)
    except (NotImplementedError, RuntimeError, ValueError):
        return False
    return True
