"""Outputs of a stream that the client has not read, and their bytes."""

from __future__ import annotations

from collections import deque

from framewatch_core.stream.messages import Output
from framewatch_core.stream.shares import HeldBytes
from framewatch_core.stream.sizes import output_bytes


class Outbox:
    """Outputs in their order. One is in the shell's hand, until the shell takes the next one or finds none.

    Attributes:
        held: the stream's bytes of this kind; those of frames that are to become outputs count as well.

    """

    def __init__(self, held: HeldBytes) -> None:
        self.held = held
        self._waiting: deque[tuple[Output, int]] = deque()  # with their bytes
        self._in_hand = 0  # bytes of the output that is being sent

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def is_read(self) -> bool:
        """True if the client has read everything."""
        return not self._waiting and not self._in_hand

    def append(self, output: Output) -> None:
        """Adds an output."""
        size = output_bytes(output)
        self._waiting.append((output, size))
        self.held.add(size)

    def next(self) -> Output | None:
        """Takes out the oldest output; the one before is sent. None: there is none."""
        self.held.add(-self._in_hand)
        self._in_hand = 0
        if not self._waiting:
            return None
        output, self._in_hand = self._waiting.popleft()
        return output

    def clear(self) -> None:
        """Forgets all outputs."""
        self._waiting.clear()
        self._in_hand = 0
        self.held.clear()
