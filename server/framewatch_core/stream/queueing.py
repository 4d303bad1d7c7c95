"""Turns: lanes that share one machine are served one piece of work each in turn, and dear pieces cost several turns.

Work stays with its lane (a stream, or all calls together) until there is room for it, so that a live stream can still
drop it and hands over the newest. A stream that sends 60 frames a second gets no more turns than one that sends 2,
unless that one leaves some over.
"""

from __future__ import annotations

import heapq
import sys
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

WorkT = TypeVar("WorkT")
WorkT_co = TypeVar("WorkT_co", covariant=True)


class Lane(Protocol[WorkT_co]):
    """An owner of work."""

    def next_work(self) -> WorkT_co | None:
        """Returns the next piece; None: there is none now."""
        ...


_COST_OF_COMING = 0.5
"""Turns by which time goes on with the first piece of a lane: lanes that come all the time keep nobody waiting."""


class RoundRobin(Generic[WorkT]):
    """Hands out the work of many lanes in turn, with a bound on the work under way; itself a lane for another one.

    Each lane has a time from which on it is due, in costs: a piece puts it off by its cost, and the lane that has been
    due for longest is next (start-time fair queueing). With costs of 1 that is one piece for each lane in turn. A lane
    that has run dry stays put off for as long as others have work, but saves no turns up.
    """

    def __init__(
        self,
        capacity: int | None = None,
        *,
        size: Callable[[WorkT], int] = lambda _: 1,
        cost: Callable[[WorkT], float] = lambda _: 1.0,
        least: int = 0,
    ) -> None:
        """Begins without lanes.

        Args:
            capacity: sum of sizes that may be under way at once, over all lanes; None: no bound. The last piece handed
                out may exceed it.
            size: returns the size of a piece.
            cost: returns the number of turns that a piece costs, more than 0.
            least: number of pieces that may be under way at any sizes.

        """
        self._capacity = sys.maxsize if capacity is None else capacity
        self._size = size
        self._cost = cost
        self._least = least
        self._under_way = 0
        self._size_under_way = 0
        self._now = 0.0  # when the piece that was handed out last began
        self._due: dict[Lane[WorkT], float] = {}  # of lanes that have work, and of others that are put off
        self._count = 0
        # lanes that may have work, by their time and then in the order of their coming
        self._queue: list[tuple[float, int, Lane[WorkT]]] = []
        self._entries: dict[Lane[WorkT], int] = {}  # numbers of the lanes' entries; those of other numbers are void
        self._resting: list[tuple[float, int, Lane[WorkT]]] = []  # lanes that ran dry, likewise
        self._new: set[Lane[WorkT]] = set()  # lanes that came and were not asked for work yet

    @property
    def under_way(self) -> int:
        """Number of pieces handed out and not yet finished."""
        return self._under_way

    def announce(self, lane: Lane[WorkT]) -> None:
        """Puts a lane that may have work into the order of turns; a lane that is in it keeps its place."""
        if lane not in self._entries:
            if lane not in self._due:
                self._new.add(lane)
            self._enter(lane, max(self._now, self._due.get(lane, 0.0)))

    def retire(self, lane: Lane[WorkT]) -> None:
        """Forgets a lane."""
        self._due.pop(lane, None)
        self._new.discard(lane)
        if self._entries.pop(lane, None) is not None:
            self._queue = [entry for entry in self._queue if entry[2] is not lane]
            heapq.heapify(self._queue)
        self._resting = [entry for entry in self._resting if entry[2] is not lane]
        heapq.heapify(self._resting)

    def next_work(self) -> WorkT | None:
        """Returns the next piece; None: no lane has any, or enough is under way."""
        while self._entries and (self._size_under_way < self._capacity or self._under_way < self._least):
            due, number, lane = heapq.heappop(self._queue)
            if self._entries.get(lane) != number:
                continue
            del self._entries[lane]
            is_new = lane in self._new
            self._new.discard(lane)
            if (work := lane.next_work()) is None:
                heapq.heappush(self._resting, (due, number, lane))
                continue
            began = max(self._now, due)  # time may have gone on while it waited, which is no credit for a burst
            self._now = began + _COST_OF_COMING if is_new else began
            self._enter(lane, began + self._cost(work))
            self._forget_rested()
            self._under_way += 1
            self._size_under_way += self._size(work)
            return work
        if not self._entries:  # nobody waits: nobody has to wait for others later
            self._queue.clear()
            self._resting.clear()
            self._due.clear()
            self._now = 0.0
        return None

    def finish(self, count: int = 1, size: int | None = None) -> None:
        """Takes note of finished pieces, failed ones too. `size`: the sum of their sizes; None: 1 each."""
        self._under_way -= count
        self._size_under_way -= count if size is None else size

    def _enter(self, lane: Lane[WorkT], due: float) -> None:
        self._count += 1
        self._due[lane] = due
        self._entries[lane] = self._count
        heapq.heappush(self._queue, (due, self._count, lane))

    def _forget_rested(self) -> None:
        """Forgets lanes without work that would be due by now anyway."""
        while self._resting and self._resting[0][0] <= self._now:
            due, _, lane = heapq.heappop(self._resting)
            if lane not in self._entries and self._due.get(lane) == due:
                del self._due[lane]
