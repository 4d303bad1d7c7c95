"""Explains of a stream that wait for the frames before them, or for the client to read their answers."""

from __future__ import annotations

from collections import deque
from typing import Generic

from framewatch_core.stream.messages import ImageT
from framewatch_core.stream.slots import Epoch, PlanT, Slot, SlotState


class PendingExplains(Generic[ImageT, PlanT]):
    """Explains in the order in which they came."""

    def __init__(self) -> None:
        # each with the slot of the last frame before it (None: that has been released) and the epoch that it came in
        self._waiting: deque[tuple[Slot[ImageT, PlanT] | None, Epoch[PlanT]]] = deque()
        self.unread_count = 0
        """Explains whose answers the client has not read."""

    def add(self, last: Slot[ImageT, PlanT] | None, epoch: Epoch[PlanT]) -> None:
        """Adds an explain.

        Args:
            last: the slot of the last frame before it; None: all have been released.
            epoch: the epoch that it came in.

        """
        self._waiting.append((last, epoch))
        self.unread_count += 1

    def next_due(self) -> Epoch[PlanT] | None:
        """Takes out the next explain if all frames before it are out; returns its epoch. None: none is due."""
        if not self._waiting:
            return None
        last, epoch = self._waiting[0]
        if last is not None and last.state is not SlotState.RELEASED:
            return None
        self._waiting.popleft()
        return epoch

    def count_read(self) -> None:
        """Counts an answer that was read."""
        self.unread_count -= 1

    def clear(self) -> None:
        """Forgets explains without an answer."""
        self._waiting.clear()
