"""Bounds on calls under way."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

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


class AddressCounts:
    """Numbers of calls by address; addresses without any are forgotten."""

    def __init__(self) -> None:
        self._counts = Counter[str]()

    def __len__(self) -> int:
        """Returns the number of addresses."""
        return len(self._counts)

    @property
    def total(self) -> int:
        """Calls of all addresses."""
        return self._counts.total()

    def of(self, address: str) -> int:
        """Returns the number of an address's calls."""
        return self._counts[address]

    def add(self, address: str) -> None:
        """Counts one more call."""
        self._counts[address] += 1

    def remove(self, address: str) -> None:
        """Counts one call less."""
        self._counts[address] -= 1
        if not self._counts[address]:
            del self._counts[address]


class PeerGate:
    """A bound on the calls under way, of which one address may have half."""

    def __init__(self, calls: str, limit: str, maximum: int) -> None:
        """Sets a bound; see `Gate`."""
        self._all = Gate(calls, limit, maximum)
        self._share = max(1, maximum // 2)
        self._calls, self._limit = calls, limit
        self._of_address = AddressCounts()

    @contextmanager
    def enter(self, peer: str) -> Iterator[None]:
        """Counts a call for as long as the context lasts. Raises LimitExceeded. `peer`: as gRPC writes it."""
        address = address_of(peer)
        count = self._of_address.of(address) + 1
        check_limit(f"{self._calls} of one address", limit=self._limit, maximum=self._share, actual=count)
        with self._all.enter():
            self._of_address.add(address)
            try:
                yield
            finally:
                self._of_address.remove(address)


class UnreadCalls:
    """Calls whose clients read nothing: they leave their places, and are counted here until their clients go or read.

    gRPC keeps a response that is not read, and has no way for the server to end such a call. So an address that has
    many of them makes no further calls.
    """

    def __init__(self, maximum: int = 256, share: int = 32) -> None:
        """`maximum`: of all addresses together, beyond which such calls keep their places; `share`: of one address."""
        self._maximum = maximum
        self._share = share
        self._of_address = AddressCounts()

    @property
    def count(self) -> int:
        """Calls that are not read."""
        return self._of_address.total

    def check(self, peer: str) -> None:
        """Raises LimitExceeded if the address has too many of them."""
        count = self._of_address.of(address_of(peer)) + 1
        what = "calls of this address whose responses it does not read, and one more"
        check_limit(what, limit="max_unread_calls", maximum=self._share, actual=count)

    def in_place_of(self, place: ExitStack, peer: str) -> ExitStack:
        """Closes a call's place and counts the call here; returns what is to be closed when it has ended."""
        if self.count >= self._maximum:
            return place
        place.close()
        address, counted = address_of(peer), ExitStack()
        self._of_address.add(address)
        counted.callback(self._of_address.remove, address)
        return counted


def address_of(peer: str) -> str:
    """Returns a peer, as gRPC writes it, without its port."""
    return peer.rpartition(":")[0]
