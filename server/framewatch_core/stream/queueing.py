"""Whose turn it is, when many have work for one machine.

Work stays with its owner (a lane: a stream, or all single calls together) until there is room for it: so a live stream
can still drop it, and what is handed over is always the freshest. Lanes are served one piece each in turn: the one that
sends 60 frames a second gets no more than the one that sends 2, unless that one leaves room.
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
        """Gives the next piece; None: there is none now."""
        ...


class RoundRobin(Generic[WorkT]):
    """Hands out work of many lanes, fairly and with a bound on what is under way; itself a lane for another one."""

    def __init__(
        self, capacity: int | None = None, *, size: Callable[[WorkT], int] = lambda _: 1, least: int = 0
    ) -> None:
        """No lane has work yet.

        Args:
            capacity: how much may be under way at once, over all lanes; None: no bound. What is handed out last may be
                more than what is left of it.
            size: how much a piece is.
            least: pieces that may be under way whatever their size.

        """
        self._capacity = sys.maxsize if capacity is None else capacity
        self._size = size
        self._least = least
        self._under_way = 0
        self._size_under_way = 0
        # an ordered set: the lane whose turn is next comes first
        self._lanes: OrderedDict[Lane[WorkT], None] = OrderedDict()

    @property
    def under_way(self) -> int:
        """Pieces handed out and not yet finished."""
        return self._under_way

    def announce(self, lane: Lane[WorkT]) -> None:
        """Says that a lane may have work; it keeps its place if it has one."""
        self._lanes.setdefault(lane)

    def retire(self, lane: Lane[WorkT]) -> None:
        """Forgets a lane."""
        self._lanes.pop(lane, None)

    def next_work(self) -> WorkT | None:
        """The next piece; None: no lane has any, or enough is under way."""
        while self._lanes and (self._size_under_way < self._capacity or self._under_way < self._least):
            lane, _ = self._lanes.popitem(last=False)
            if (work := lane.next_work()) is not None:
                self._lanes[lane] = None
                self._under_way += 1
                self._size_under_way += self._size(work)
                return work
        return None

    def finish(self, count: int = 1, size: int | None = None) -> None:
        """Says that pieces are finished, well or not. `size`: of all of them; None: 1 each."""
        self._under_way -= count
        self._size_under_way -= count if size is None else size
