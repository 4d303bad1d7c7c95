"""Turns of the calls whose requests are read."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from framewatch_server.rpc.gates import AddressCounts, address_of


class ReadingSlots:
    """Places for requests that are being read, of which one address has at most half; used from the event loop.

    gRPC holds what has arrived of a request until it is whole, so slow senders could fill the memory, or all places.
    """

    def __init__(self, count: int) -> None:
        """`count`: places."""
        self._free = count
        self._share = max(1, count // 2)
        self._taken = AddressCounts()
        self._waiting: dict[str, deque[asyncio.Future[None]]] = {}  # by address; those that are there first come first

    def is_wanted(self, peer: str) -> bool:
        """Returns True if somebody waits who would get the place of a peer, if that had one."""
        own = address_of(peer)
        return any(address == own or self._taken.of(address) < self._share for address in self._waiting)

    @asynccontextmanager
    async def taken(self, peer: str) -> AsyncIterator[None]:
        """Takes a place for as long as the context lasts; waits until there is one. `peer`: as gRPC writes it."""
        address = address_of(peer)
        await self._take(address)
        try:
            yield
        finally:
            self._give_back(address)

    async def _take(self, address: str) -> None:
        # whoever waits can't be served now: nobody is passed
        if self._may_take(address):
            self._count(address)
            return
        place = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(address, deque()).append(place)
        try:
            await place
        except asyncio.CancelledError:
            if place.cancelled():
                self._forget(address, place)
            else:  # it was given just before
                self._give_back(address)
            raise

    def _may_take(self, address: str) -> bool:
        return self._free > 0 and self._taken.of(address) < self._share

    def _count(self, address: str) -> None:
        self._free -= 1
        self._taken.add(address)

    def _give_back(self, address: str) -> None:
        self._free += 1
        self._taken.remove(address)
        self._serve_waiting()

    def _serve_waiting(self) -> None:
        """Gives free places to those who may have them."""
        for address in list(self._waiting):
            queue = self._waiting[address]
            while queue and self._may_take(address):
                self._count(address)
                queue.popleft().set_result(None)
            if not queue:
                del self._waiting[address]

    def _forget(self, address: str, place: asyncio.Future[None]) -> None:
        queue = self._waiting[address]
        queue.remove(place)
        if not queue:
            del self._waiting[address]
