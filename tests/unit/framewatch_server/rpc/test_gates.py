"""Bounds on calls under way."""

from __future__ import annotations

from contextlib import ExitStack

import pytest

from framewatch_core.errors import LimitExceeded
from framewatch_server.rpc.gates import Gate, PeerGate, UnreadCalls, address_of


def test_a_gate_counts_and_shares() -> None:
    gate = Gate("calls at once", "max_calls", 2)
    assert gate.share(10) == 10
    with gate.enter(), gate.enter():
        assert (gate.count, gate.share(10), gate.share(1)) == (2, 5, 1)
        with pytest.raises(LimitExceeded, match="max_calls"), gate.enter():
            pass
    assert gate.count == 0


def test_one_address_has_half_and_others_the_rest() -> None:
    gate = PeerGate("watches", "max_watches", 4)
    with ExitStack() as stack:
        for port in (1, 2):
            stack.enter_context(gate.enter(f"ipv4:10.0.0.1:{port}"))
        with pytest.raises(LimitExceeded, match="watches of one address"), gate.enter("ipv4:10.0.0.1:3"):
            pass
        for address in ("ipv4:10.0.0.2:1", "ipv6:%5B::1%5D:1"):
            stack.enter_context(gate.enter(address))
        with pytest.raises(LimitExceeded, match="watches: 5 exceed"), gate.enter("ipv4:10.0.0.3:1"):
            pass
    assert not gate._of_address
    with gate.enter("ipv4:10.0.0.3:1"):
        pass


@pytest.mark.parametrize(
    ("peer", "address"),
    [("ipv4:127.0.0.1:5", "ipv4:127.0.0.1"), ("ipv6:%5B::1%5D:5", "ipv6:%5B::1%5D"), ("unix:", "unix")],
)
def test_addresses_of_peers(peer: str, address: str) -> None:
    assert address_of(peer) == address


def test_calls_that_are_not_read_leave_their_places_to_others() -> None:
    unread, gate = UnreadCalls(maximum=2, share=2), Gate("calls", "max_calls", 3)
    ended = []
    for _ in range(3):
        place = ExitStack()
        place.enter_context(gate.enter())
        ended.append(unread.in_place_of(place, "ipv4:10.0.0.1:1"))
    assert (unread.count, gate.count) == (2, 1), "the third one is one too many, and keeps its place"
    with pytest.raises(LimitExceeded, match="max_unread_calls"):
        unread.check("ipv4:10.0.0.1:2")
    for each in ended:
        each.close()
    assert (unread.count, gate.count) == (0, 0)
    unread.check("ipv4:10.0.0.1:2")
