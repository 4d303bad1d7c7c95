"""Bounds on calls under way."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from framewatch_core.limits import check_limit


class Gate:
    """A bound on the calls under way."""

    def __init__(self, calls: str, limit: str, maximum: int) -> None:
        """Sets a bound.

        Args:
            calls: name of the bounded calls, for the error.
            limit: name of the bound, for the error.
            maximum: calls under way at most.

        """
        self._calls = calls
        self._limit = limit
        self._maximum = maximum
        self.count = 0

    def share(self, of: int) -> int:
        """The part of so many things that each call under way may have; at least 1."""
        return max(1, of // max(1, self.count))

    @contextmanager
    def enter(self) -> Iterator[None]:
        """Counts a call for as long as the context lasts. Raises LimitExceeded."""
        check_limit(self._calls, limit=self._limit, maximum=self._maximum, actual=self.count + 1)
        self.count += 1
        try:
            yield
        finally:
            self.count -= 1


class PeerGate:
    """A bound on the calls under way, of which one address may have half."""

    def __init__(self, calls: str, limit: str, maximum: int) -> None:
        """Sets a bound; see `Gate`."""
        self._all = Gate(calls, limit, maximum)
        self._share = max(1, maximum // 2)
        self._calls, self._limit = calls, limit
        self._of_address = Counter[str]()

    @contextmanager
    def enter(self, peer: str) -> Iterator[None]:
        """Counts a call for as long as the context lasts. Raises LimitExceeded. `peer`: as gRPC writes it."""
        address = address_of(peer)
        count = self._of_address[address] + 1
        check_limit(f"{self._calls} of one address", limit=self._limit, maximum=self._share, actual=count)
        with self._all.enter():
            self._of_address[address] += 1
            try:
                yield
            finally:
                self._of_address[address] -= 1
                if not self._of_address[address]:
                    del self._of_address[address]


def address_of(peer: str) -> str:
    """Returns a peer, as gRPC writes it, without its port."""
    return peer.rpartition(":")[0]
