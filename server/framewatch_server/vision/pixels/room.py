"""Room for decoded pixels: the bytes that all decode threads together may hold."""

from __future__ import annotations

import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from framewatch_server.vision.pixels.allocator import give_back_memory

# Smaller pictures come in quick succession, and find the memory of those before them; it is little in each thread.
_LARGE_BYTES = 32 * 1024 * 1024


class PixelRoom:
    """Bytes that are lent to threads, first come, first served; for any number of threads.

    A thread holds one loan at a time, so threads can't wait for each other in a circle.
    """

    def __init__(self, maximum: int, give_back: Callable[[], None] = give_back_memory) -> None:
        """Makes room.

        Args:
            maximum: bytes, at least 1. A picture that needs more is decoded alone.
            give_back: gives free memory back to the system. The allocator keeps what large pictures have left in each
                thread, so it is called whenever these were half of `maximum` together.

        """
        self.maximum = maximum
        self._give_back = give_back
        self._held = 0
        self._left = 0
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
            self._release(size)

    def _release(self, size: int) -> None:
        if self._is_much_left(size):
            self._give_back()  # before another thread may take the room
        with self._changed:
            self._held -= size
            self._changed.notify_all()

    def _is_much_left(self, size: int) -> bool:
        if size < _LARGE_BYTES:
            return False
        with self._changed:
            self._left += size
            if self._left < self.maximum // 2:
                return False
            self._left = 0
            return True

    def _fits(self, size: int) -> bool:
        return not self._held or self._held + size <= self.maximum


ANY_ROOM = PixelRoom(sys.maxsize)
"""Room without a limit, for programs that decode one picture after the other."""
