"""Calls side by side, with results in order."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing

import pytest

from framewatch_cli.pictures.calls import in_thread, map_in_order


async def numbers(count: int) -> AsyncGenerator[int, None]:
    for number in range(count):
        yield number


async def test_results_come_in_order_and_only_so_many_run_at_once() -> None:
    running, most, gates = 0, 0, [asyncio.Event() for _ in range(7)]

    async def work(number: int) -> int:
        nonlocal running, most
        running += 1
        most = max(most, running)
        if number % 3 == 2:
            gates[number - 1].set()  # the later one ends first
        if number % 3 == 1 and number + 1 < len(gates):
            await gates[number].wait()
        running -= 1
        return number

    assert [result async for result in map_in_order(work, numbers(7), 3)] == list(range(7))
    assert most <= 3
    assert running == 0


async def test_what_runs_is_cancelled_when_nobody_waits_any_more() -> None:
    ended: list[int] = []

    async def work(number: int) -> int:
        if number == 0:
            return 0
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(number)
        return number

    async with aclosing(map_in_order(work, numbers(10), 3)) as results:
        assert await anext(results) == 0
    assert ended == [1, 2]


async def test_a_fault_ends_all() -> None:
    async def work(number: int) -> int:
        if number == 2:
            raise RuntimeError("two")
        return number

    results = []
    with pytest.raises(RuntimeError, match="two"):
        async for result in map_in_order(work, numbers(9), 4):
            results.append(result)  # noqa: PERF401  what came before the fault counts
    assert results == [0, 1]


async def test_no_item_is_read_before_a_call_may_begin_for_it() -> None:
    read: list[int] = []

    async def items() -> AsyncGenerator[int, None]:
        for number in range(9):
            read.append(number)
            yield number

    async def work(number: int) -> int:
        return number

    ahead = [len(read) - result async for result in map_in_order(work, items(), 3)]
    assert max(ahead) <= 3


async def test_an_iterator_is_read_on_other_threads_until_its_end() -> None:
    def items() -> Iterator[bool]:
        for _ in range(3):
            yield threading.current_thread() is threading.main_thread()

    assert [item async for item in in_thread(items())] == [False] * 3
    assert [item async for item in in_thread(iter([None, False]))] == [None, False], "empty values are no end"


async def test_a_fault_of_an_iterator_comes_through() -> None:
    def items() -> Iterator[int]:
        yield 1
        raise OSError("gone")

    with pytest.raises(OSError, match="gone"):
        [item async for item in in_thread(items())]
