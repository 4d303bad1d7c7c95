"""Turns: lanes that share one machine are served one piece of work each in turn.

Work stays with its lane (a stream, or all calls together) until there is room for it, so that a live stream can still
drop it and hands over the newest. A stream that sends 60 frames a second gets no more turns than one that sends 2,
unless that one leaves some over.
"""

from __future__ import annotations

import sys
from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

WorkT = TypeVar("WorkT")
WorkT_co = TypeVar("WorkT_co", covariant=True)


class Lane(Protocol[WorkT_co]):
    """An owner of work."""

    def next_work(self) -> WorkT_co | None:
        """Returns the next piece; None: there is none now."""
        ...


class RoundRobin(Generic[WorkT]):
    """Hands out the work of many lanes in turn, with a bound on the work under way; itself a lane for another one."""

    def __init__(
        self, capacity: int | None = None, *, size: Callable[[WorkT], int] = lambda _: 1, least: int = 0
    ) -> None:
        """Begins without lanes.

        Args:
            capacity: sum of sizes that may be under way at once, over all lanes; None: no bound. The last piece handed
                out may exceed it.
            size: returns the size of a piece.
            least: number of pieces that may be under way at any sizes.

        """
        self._capacity = sys.maxsize if capacity is None else capacity
        self._size = size
        self._least = least
        self._under_way = 0
        self._size_under_way = 0
        # an ordered set: the lane that is next comes first
        self._lanes: OrderedDict[Lane[WorkT], None] = OrderedDict()

    @property
    def under_way(self) -> int:
        """Number of pieces handed out and not yet finished."""
        return self._under_way

    def announce(self, lane: Lane[WorkT]) -> None:
        """Puts a lane that may have work into the order of turns; a lane that is in it keeps its place."""
        self._lanes.setdefault(lane)

    def retire(self, lane: Lane[WorkT]) -> None:
        """Forgets a lane."""
        self._lanes.pop(lane, None)

    def next_work(self) -> WorkT | None:
        """Returns the next piece; None: no lane has any, or enough is under way."""
        while self._lanes and (self._size_under_way < self._capacity or self._under_way < self._least):
            lane, _ = self._lanes.popitem(last=False)
            if (work := lane.next_work()) is not None:
                self._lanes[lane] = None
                self._under_way += 1
                self._size_under_way += self._size(work)
                return work
        return None

    def finish(self, count: int = 1, size: int | None = None) -> None:
        """Takes note of finished pieces, failed ones too. `size`: the sum of their sizes; None: 1 each."""
        self._under_way -= count
        self._size_under_way -= count if size is None else size
