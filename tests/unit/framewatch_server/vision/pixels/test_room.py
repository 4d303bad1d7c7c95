"""Room for decoded pixels: threads wait for it in order, and nobody waits for ever."""

from __future__ import annotations

import threading

import pytest

from framewatch_server.vision.pixels.room import PixelRoom


class Holder:
    """A thread that holds room until it is told to let go."""

    def __init__(self, room: PixelRoom, size: int, order: list[int]) -> None:
        self.has_it, self._let_go = threading.Event(), threading.Event()

        def hold() -> None:
            with room.hold(size):
                order.append(size)
                self.has_it.set()
                self._let_go.wait()

        self._thread = threading.Thread(target=hold, daemon=True)
        self._thread.start()

    def end(self) -> None:
        self._let_go.set()
        self._thread.join()


def waiting(room: PixelRoom, count: int) -> None:
    """Waits until so many threads wait for room."""
    with room._changed:
        assert room._changed.wait_for(lambda: len(room._waiting) == count, timeout=60)


def test_what_fits_is_held_at_once() -> None:
    room = PixelRoom(10)
    with room.hold(4), room.hold(6):
        assert room.held == 10
    assert room.held == 0


def test_a_picture_larger_than_the_room_goes_alone() -> None:
    room, order = PixelRoom(10), list[int]()
    small = Holder(room, 1, order)
    small.has_it.wait()
    large = Holder(room, 99, order)
    waiting(room, 1)
    assert room.held == 1
    small.end()
    large.has_it.wait()
    assert room.held == 99
    large.end()
    assert room.held == 0


def test_small_pictures_do_not_overtake_a_large_one() -> None:
    room, order = PixelRoom(10), list[int]()
    first = Holder(room, 5, order)
    first.has_it.wait()
    large = Holder(room, 9, order)
    waiting(room, 1)
    small = Holder(room, 1, order)
    waiting(room, 2)
    assert order == [5]
    first.end()
    small.has_it.wait()
    assert order == [5, 9, 1]
    large.end()
    small.end()


def test_an_error_gives_the_room_back() -> None:
    room = PixelRoom(10)
    with pytest.raises(ValueError, match="broken"), room.hold(10):
        raise ValueError("broken")
    with room.hold(10):
        assert room.held == 10


MIB = 1024 * 1024


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        pytest.param([31] * 100, 0, id="small pictures use each other's memory"),
        pytest.param([40, 40, 40], 1, id="after half of the room"),
        pytest.param([40, 40, 40, 40, 40, 40], 2, id="and again"),
        pytest.param([500], 1, id="after one that is larger than the room"),
    ],
)
def test_memory_of_large_pictures_is_given_back(sizes: list[int], expected: int) -> None:
    given_back: list[int] = []
    room = PixelRoom(200 * MIB, give_back=lambda: given_back.append(room.held))
    for size in sizes:
        with room.hold(size * MIB):
            pass
    assert len(given_back) == expected
    assert all(held > 0 for held in given_back), "before others may take the room"
