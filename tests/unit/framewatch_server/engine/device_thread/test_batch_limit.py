"""The largest batch that fits, lowered and tried again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from framewatch_server.engine.device_thread.batch_limit import BatchLimit


def full_batches_until_raised(limit: BatchLimit) -> int:
    count = 1
    while not limit.fitted(limit.current):
        count += 1
    return count


def test_memory_that_was_short_once_is_tried_again_up_to_the_maximum() -> None:
    limit = BatchLimit(16)
    for size in (16, 8, 4, 2):
        assert limit.out_of_memory(size)
    assert limit.current == 1
    assert not limit.out_of_memory(1), "nothing is smaller"
    reached = []
    for _ in range(4):
        full_batches_until_raised(limit)
        reached.append(limit.current)
    assert reached == [2, 4, 8, 16]
    assert not any(limit.fitted(16) for _ in range(10_000))


def test_an_attempt_that_fails_is_repeated_ever_more_seldom() -> None:
    limit = BatchLimit(16)
    limit.out_of_memory(16)
    waits = []
    for _ in range(10):
        waits.append(full_batches_until_raised(limit))
        limit.fitted(16)  # one that fits proves little
        limit.out_of_memory(16)
        assert limit.current == 8
    assert waits[:4] == [32, 64, 128, 256]
    assert waits[-1] == waits[-2] == 4096


def test_a_limit_that_held_makes_the_next_attempts_quick_again() -> None:
    limit = BatchLimit(8)
    for _ in range(3):
        limit.out_of_memory(8)
        full_batches_until_raised(limit)
    assert not any(limit.fitted(8) for _ in range(1000))
    limit.out_of_memory(8)
    assert full_batches_until_raised(limit) == 32


def test_small_batches_prove_nothing() -> None:
    limit = BatchLimit(16)
    limit.out_of_memory(16)
    assert not any(limit.fitted(4) for _ in range(1000))


@pytest.mark.parametrize("regions", [3, 5, 7])
def test_batches_of_frames_with_regions_are_seldom_full_and_raise_the_limit_all_the_same(regions: int) -> None:
    limit = BatchLimit(16)
    limit.out_of_memory(16)
    full = limit.current // regions * regions
    assert any(limit.fitted(full) for _ in range(100))
    assert limit.current == 16


@given(st.integers(1, 300), st.lists(st.tuples(st.booleans(), st.integers(1, 300)), max_size=300))
def test_the_limit_stays_between_1_and_the_maximum(maximum: int, batches: list[tuple[bool, int]]) -> None:
    limit = BatchLimit(maximum)
    for fits, size in batches:
        (limit.fitted if fits else limit.out_of_memory)(min(size, limit.current))
        assert 1 <= limit.current <= maximum


@pytest.mark.parametrize("maximum", [1, 3, 100])
def test_a_maximum_that_is_lowered_is_never_exceeded(maximum: int) -> None:
    limit = BatchLimit(128)
    limit.lower_maximum(maximum)
    assert limit.current == maximum
    assert not any(limit.fitted(maximum) for _ in range(100))
