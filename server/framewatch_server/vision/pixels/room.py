"""Room for decoded pixels: the bytes that all decode threads together may hold."""

from __future__ import annotations

import sys
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager


class PixelRoom:
    """Bytes that are lent to threads, first come, first served; for any number of threads.

    A thread holds one loan at a time, so threads can't wait for each other in a circle.
    """

    def __init__(self, maximum: int) -> None:
        """`maximum`: bytes, at least 1. A picture that needs more is decoded alone."""
        self.maximum = maximum
        self._held = 0
        self._waiting: deque[object] = deque()
        self._changed = threading.Condition()

    @property
    def held(self) -> int:
        """Bytes that are lent now."""
        return self._held

    @contextmanager
    def hold(self, size: int) -> Iterator[None]:
        """Waits until there is room for `size` bytes, and holds them until the end of the block."""
        turn = object()
        with self._changed:
            self._waiting.append(turn)
            self._changed.notify_all()
            try:
                self._changed.wait_for(lambda: self._waiting[0] is turn and self._fits(size))
                self._held += size
            finally:
                self._waiting.remove(turn)
                self._changed.notify_all()
        try:
            yield
        finally:
            with self._changed:
                self._held -= size
                self._changed.notify_all()

    def _fits(self, size: int) -> bool:
        return not self._held or self._held + size <= self.maximum


ANY_ROOM = PixelRoom(sys.maxsize)
"""Room without a limit, for programs that decode one picture after the other."""
