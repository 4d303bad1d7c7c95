"""Bytes that all streams hold together: each open stream has the same share of their maximum.

A stream that holds nothing may always take one thing, however large, so together they hold at most the maximum and one
thing each. Shares are looked at when something is to be taken: they need not be told when streams come and go.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, field


class SharedBytes:
    """Bytes of one kind.

    Attributes:
        maximum: bytes that all streams may hold.
        held: bytes that they hold.

    """

    def __init__(self, maximum: int = sys.maxsize, streams: Callable[[], int] = lambda: 1) -> None:
        """`streams`: returns the number of open streams."""
        self.maximum = maximum
        self.held = 0
        self._streams = streams

    @property
    def share(self) -> int:
        """Bytes that each open stream may hold."""
        return self.maximum // max(1, self._streams())


class HeldBytes:
    """The part of one stream."""

    def __init__(self, shared: SharedBytes) -> None:
        self._shared = shared
        self._count = 0

    @property
    def count(self) -> int:
        """Bytes that the stream holds."""
        return self._count

    @property
    def is_over(self) -> bool:
        """True if the stream holds more than its share."""
        return self._count > self._shared.share

    def has_room(self, more: int = 1) -> bool:
        """Returns True if the stream holds nothing, or may hold so many bytes more."""
        return not self._count or self._count + more <= self._shared.share

    def add(self, count: int) -> None:
        """Counts bytes that the stream takes; negative: that it gives back."""
        self._count += count
        self._shared.held += count

    def clear(self) -> None:
        """Counts everything as given back."""
        self.add(-self._count)


@dataclass(frozen=True, slots=True)
class StreamShares:
    """Everything that streams have shares of.

    Attributes:
        waiting: images of frames that wait or run.
        unsent: outcomes, events and other outputs that clients have not read, and the scores of frames on their way.

    """

    waiting: SharedBytes = field(default_factory=SharedBytes)
    unsent: SharedBytes = field(default_factory=SharedBytes)
