from __future__ import annotations

import pytest

from framewatch_core.stream.shares import HeldBytes, SharedBytes


def test_each_open_stream_has_the_same_share_as_streams_come_and_go() -> None:
    streams = 1
    shared = SharedBytes(1000, lambda: streams)
    one = HeldBytes(shared)
    one.add(600)
    assert (one.has_room(400), one.has_room(401), one.is_over) == (True, False, False)
    streams = 2
    assert (one.has_room(), one.is_over) == (False, True)
    streams = 1
    assert one.has_room()


@pytest.mark.parametrize("streams", [0, 1, 5000])
def test_a_stream_that_holds_nothing_may_take_anything(streams: int) -> None:
    shared = SharedBytes(1000, lambda: streams)
    assert HeldBytes(shared).has_room(10**12)


def test_all_streams_together_are_counted() -> None:
    shared = SharedBytes(1000, lambda: 2)
    one, other = HeldBytes(shared), HeldBytes(shared)
    one.add(300)
    other.add(50)
    one.add(-100)
    assert (one.count, other.count, shared.held) == (200, 50, 250)
    one.clear()
    assert (one.count, shared.held) == (0, 50)
