"""Calls side by side, and which faults are of all of them."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

import grpc
import pytest

from framewatch_client.errors import FramewatchCallError, ServerUnreachableError
from framewatch_client.label_scoring import is_of_all_calls, map_in_order


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

    assert [result async for result in map_in_order(work, range(7), 3)] == list(range(7))
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

    async with aclosing(map_in_order(work, range(10), 3)) as results:
        assert await anext(results) == 0
    assert ended == [1, 2]


async def test_a_fault_ends_all() -> None:
    async def work(number: int) -> int:
        if number == 2:
            raise RuntimeError("two")
        return number

    seen = []
    with pytest.raises(RuntimeError, match="two"):
        async for result in map_in_order(work, range(9), 4):
            seen.append(result)  # noqa: PERF401  what came before the fault counts
    assert seen == [0, 1]


CODE = grpc.StatusCode


@pytest.mark.parametrize(
    ("error", "of_all"),
    [
        pytest.param(ServerUnreachableError("gone"), True, id="no server"),
        pytest.param(FramewatchCallError(CODE.NOT_FOUND, "MODEL_NOT_FOUND", "no"), True, id="no model"),
        pytest.param(FramewatchCallError(CODE.INVALID_ARGUMENT, "X", "no", fields={"label_set.labels": "x"}), True, id="labels"),
        pytest.param(FramewatchCallError(CODE.INVALID_ARGUMENT, "X", "no", fields={"image.encoded": "x"}), False, id="image"),
        pytest.param(FramewatchCallError(CODE.RESOURCE_EXHAUSTED, "X", "no"), False, id="a message too large"),
        pytest.param(FramewatchCallError(CODE.DEADLINE_EXCEEDED, "X", "no"), False, id="too late"),
        pytest.param(FramewatchCallError(CODE.INTERNAL, "X", "no"), False, id="internal"),
        pytest.param(PermissionError(13, "no"), False, id="a file"),
    ],
)  # fmt: skip
def test_which_faults_are_of_all_calls(error: Exception, of_all: bool) -> None:
    assert is_of_all_calls(error) is of_all
