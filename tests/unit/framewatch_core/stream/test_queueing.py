"""Turns between lanes."""

from __future__ import annotations

import weakref
from collections import Counter, deque

import pytest
from hypothesis import given
from hypothesis import strategies as st

from framewatch_core.stream.queueing import RoundRobin


class Pieces:
    """A lane with numbered pieces."""

    def __init__(self, name: str, count: int) -> None:
        self.name = name
        self.waiting = deque(range(count))

    def next_work(self) -> tuple[str, int] | None:
        return (self.name, self.waiting.popleft()) if self.waiting else None


def served(turns: RoundRobin[tuple[str, int]], count: int) -> str:
    """Names of the lanes in the order in which they are served, each piece finished at once."""
    names = ""
    for _ in range(count):
        if (work := turns.next_work()) is not None:
            names += work[0]
            turns.finish()
    return names


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ({"a": 3}, "aaa"),
        ({"a": 3, "b": 3}, "ababab"),
        ({"a": 5, "b": 1, "c": 2}, "abcacaaa"),
        ({"a": 0, "b": 2}, "bb"),
    ],
    ids=["alone", "alike", "a busy one does not starve the others", "nothing to do"],
)
def test_lanes_take_turns(counts: dict[str, int], expected: str) -> None:
    turns = RoundRobin[tuple[str, int]](1)
    for name, count in counts.items():
        turns.announce(Pieces(name, count))
    assert served(turns, 10) == expected


def test_no_more_than_the_capacity_is_under_way() -> None:
    turns = RoundRobin[tuple[str, int]](2)
    turns.announce(Pieces("a", 5))
    assert [turns.next_work() for _ in range(3)] == [("a", 0), ("a", 1), None]
    assert turns.under_way == 2
    turns.finish()
    assert turns.next_work() == ("a", 2)
    turns.finish(2)
    assert turns.under_way == 0


def test_a_lane_that_has_had_no_turn_comes_before_those_that_have() -> None:
    turns = RoundRobin[tuple[str, int]](9)
    quiet, busy = Pieces("q", 0), Pieces("b", 3)
    turns.announce(quiet)
    turns.announce(busy)
    assert turns.next_work() == ("b", 0)
    quiet.waiting.append(7)
    turns.announce(quiet)
    assert [turns.next_work(), turns.next_work()] == [("q", 7), ("b", 1)]


def test_a_lane_that_ran_dry_saves_no_turns_up_and_has_to_wait_for_those_it_has_had() -> None:
    turns = RoundRobin[tuple[str, int]](99)
    quiet, busy = Pieces("q", 0), Pieces("b", 20)
    for lane in (quiet, busy):
        turns.announce(lane)
    names = served(turns, 9)
    for _ in range(3):
        quiet.waiting.append(0)
        turns.announce(quiet)
        names += served(turns, 1)
    quiet.waiting.extend([0, 0])
    turns.announce(quiet)
    assert names + served(turns, 4) == "b" * 9 + "qbq" + "bqbq"


def test_dear_pieces_cost_several_turns() -> None:
    turns = RoundRobin[tuple[str, int]](1, cost=lambda work: 4.0 if work[0] == "d" else 0.5)
    for lane in (Pieces("d", 9), Pieces("a", 20), Pieces("b", 20)):
        turns.announce(lane)
    names = served(turns, 18 * 2 - 1)
    assert names[:3] == "dab"
    assert names.count("d") == 3
    for dear in range(names.index("d", 1)):
        assert "d" not in names[dear + 1 : names.index("d", 1)]


def test_a_newcomer_goes_before_a_lane_of_dear_pieces() -> None:
    turns = RoundRobin[tuple[str, int]](1, cost=lambda work: 80.0 if work[0] == "d" else 1.0)
    dear = Pieces("d", 100)
    turns.announce(dear)
    assert served(turns, 3) == "ddd", "alone, it has every turn"
    for _ in range(5):
        turns.announce(Pieces("n", 3))
        assert served(turns, 3) == "nnn"


@pytest.mark.parametrize(("cost", "newcomers_a_turn"), [(1.0, 2), (4.0, 8)], ids=["cheap", "dear"])
def test_lanes_that_come_all_the_time_keep_nobody_waiting(cost: float, newcomers_a_turn: int) -> None:
    turns = RoundRobin[tuple[str, int]](1, cost=lambda piece: cost if piece[0] == "a" else 1.0)
    turns.announce(Pieces("a", 100))
    names = "n"
    for _ in range(60):
        if names[-1] == "n":  # the one before has been served: there is always one that waits
            turns.announce(Pieces("n", 1))
        names += served(turns, 1)
    waits = [len(wait) for wait in names.split("a")]
    assert names.count("a") >= 60 // (newcomers_a_turn + 2)
    assert max(waits) <= newcomers_a_turn + 1
    assert "aa" not in names, "nor does it keep them waiting"


def test_nothing_is_kept_of_lanes_that_have_no_work() -> None:
    turns = RoundRobin[tuple[str, int]](9)
    busy = Pieces("b", 2000)
    gone = []
    turns.announce(busy)
    for i in range(300):
        lane = Pieces(str(i), i % 3)
        gone.append(weakref.ref(lane))
        turns.announce(lane)
        served(turns, 5)
        if i % 7 == 0:
            turns.announce(lane)
            turns.retire(lane)
    del lane
    served(turns, 5)
    assert sum(each() is not None for each in gone) <= 2
    assert len(served(turns, 3000)) > 0
    assert not turns._due


def test_announcing_again_wins_no_turn() -> None:
    turns = RoundRobin[tuple[str, int]](1)
    pushy, other = Pieces("p", 3), Pieces("o", 3)
    turns.announce(pushy)
    turns.announce(other)
    names = ""
    for _ in range(6):
        turns.announce(pushy)
        names += served(turns, 1)
    assert names == "popopo"


def test_a_retired_lane_is_not_asked_again() -> None:
    turns = RoundRobin[tuple[str, int]](9)
    gone, staying = Pieces("g", 3), Pieces("s", 1)
    turns.announce(gone)
    turns.announce(staying)
    turns.retire(gone)
    turns.retire(gone)
    assert served(turns, 5) == "s"
    assert len(gone.waiting) == 3


@given(st.lists(st.integers(0, 20), min_size=1, max_size=8), st.integers(1, 5))
def test_every_piece_is_served_once_in_its_order_and_no_lane_waits_longer_than_a_round(
    counts: list[int], capacity: int
) -> None:
    turns = RoundRobin[tuple[str, int]](capacity)
    lanes = [Pieces(str(i), count) for i, count in enumerate(counts)]
    for lane in lanes:
        turns.announce(lane)
    seen: list[tuple[str, int]] = []
    while (work := turns.next_work()) is not None:
        seen.append(work)
        turns.finish()
    for lane, count in zip(lanes, counts, strict=True):
        assert [number for name, number in seen if name == lane.name] == list(range(count))
    # while all lanes still have work, no lane is ahead by more than one piece
    least = min(counts)
    shares: Counter[str] = Counter()
    for name, number in seen:
        if number < least:
            shares[name] += 1
            assert max(shares.values()) - min(shares[lane.name] for lane in lanes) <= 1


@pytest.mark.parametrize(
    ("sizes", "least", "handed_out"),
    [
        pytest.param([1, 1, 1, 1, 1, 1], 0, 5, id="small pieces fill the capacity"),
        pytest.param([4, 4, 4], 0, 2, id="the last one may be more than what is left"),
        pytest.param([9, 9, 9], 0, 1, id="one that is more than the capacity"),
        pytest.param([9, 9, 9, 9], 3, 3, id="some are under way whatever their size"),
    ],
)
def test_the_capacity_is_in_sizes(sizes: list[int], least: int, handed_out: int) -> None:
    turns = RoundRobin[tuple[str, int]](5, size=lambda piece: sizes[piece[1]], least=least)
    turns.announce(Pieces("a", len(sizes)))
    under_way = list(iter(turns.next_work, None))
    assert len(under_way) == turns.under_way == handed_out
    for _, number in under_way:
        turns.finish(size=sizes[number])
    assert turns.next_work() == ("a", handed_out), "all of the room was given back"
