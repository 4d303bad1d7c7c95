"""Values that are computed once for all callers."""

from __future__ import annotations

import asyncio
import gc
import weakref

import numpy as np
import pytest

from framewatch_core.arrays import Float32Array
from framewatch_server.engine.once import computed_once
from framewatch_server.engine.vector_cache import VectorCache

ROW = np.ones(4, np.float32)


class Computation:
    """Counts how often it is begun, and ends when it may."""

    def __init__(self) -> None:
        self.begun = 0
        self.stopped = 0
        self.may_end = asyncio.Event()
        self.error: Exception | None = None

    async def __call__(self) -> Float32Array:
        self.begun += 1
        try:
            await self.may_end.wait()
        except asyncio.CancelledError:
            self.stopped += 1
            raise
        if self.error is not None:
            raise self.error
        return ROW


@pytest.fixture
def cache() -> VectorCache[Float32Array]:
    return VectorCache(1000)


async def ask(cache: VectorCache[Float32Array], compute: Computation, count: int) -> list[asyncio.Task[Float32Array]]:
    tasks = [asyncio.ensure_future(computed_once(cache, "key", compute)) for _ in range(count)]
    for _ in range(5):
        await asyncio.sleep(0)
    return tasks


async def test_one_computes_for_all(cache: VectorCache[Float32Array]) -> None:
    compute = Computation()
    tasks = await ask(cache, compute, 5)
    compute.may_end.set()
    assert all(row is ROW for row in await asyncio.gather(*tasks))
    assert await computed_once(cache, "key", compute) is ROW
    assert compute.begun == 1


@pytest.mark.parametrize("gone", [[0], [0, 1, 2], [3], [0, 4]], ids=str)
async def test_a_cancelled_caller_takes_nothing_from_the_others(
    cache: VectorCache[Float32Array], gone: list[int]
) -> None:
    compute = Computation()
    tasks = await ask(cache, compute, 5)
    for i in gone:
        tasks[i].cancel()
        for _ in range(5):
            await asyncio.sleep(0)
    compute.may_end.set()
    found = await asyncio.gather(*tasks, return_exceptions=True)
    assert [i for i, each in enumerate(found) if isinstance(each, asyncio.CancelledError)] == gone
    assert sum(each is ROW for each in found) == 5 - len(gone)


async def test_when_all_go_away_nothing_is_left_behind(cache: VectorCache[Float32Array]) -> None:
    compute = Computation()
    tasks = await ask(cache, compute, 3)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    compute.may_end.set()
    assert await computed_once(cache, "key", compute) is ROW


async def test_a_computation_goes_on_for_those_who_wait_and_is_not_begun_again(
    cache: VectorCache[Float32Array],
) -> None:
    compute = Computation()
    tasks = await ask(cache, compute, 3)
    for task in tasks[:2]:
        task.cancel()
        await asyncio.sleep(0)
    compute.may_end.set()
    assert await tasks[2] is ROW
    assert compute.begun == 1


async def test_a_computation_that_nobody_waits_for_is_stopped(cache: VectorCache[Float32Array]) -> None:
    compute = Computation()
    tasks = await ask(cache, compute, 3)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await asyncio.sleep(0)
    assert compute.stopped == 1


async def test_callers_who_go_before_the_computation_begins_leave_nothing_behind(
    cache: VectorCache[Float32Array],
) -> None:
    compute = Computation()
    compute.may_end.set()
    task = asyncio.ensure_future(computed_once(cache, "key", compute))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert await asyncio.wait_for(computed_once(cache, "key", compute), 30) is ROW


async def test_an_error_reaches_all_and_the_next_one_tries_again(cache: VectorCache[Float32Array]) -> None:
    compute = Computation()
    compute.error = RuntimeError("no")
    tasks = await ask(cache, compute, 3)
    compute.may_end.set()
    assert [str(each) for each in await asyncio.gather(*tasks, return_exceptions=True)] == ["no"] * 3
    compute.error = None
    assert await computed_once(cache, "key", compute) is ROW


async def test_an_error_that_no_caller_waits_for_is_not_logged(
    cache: VectorCache[Float32Array], caplog: pytest.LogCaptureFixture
) -> None:
    compute = Computation()
    tasks = await ask(cache, compute, 3)
    for task in reversed(tasks):
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    del tasks, task
    gc.collect()
    await asyncio.sleep(0)
    assert not caplog.records


@pytest.mark.parametrize("fails", [False, True], ids=["a value", "an error"])
async def test_what_has_ended_keeps_nothing(cache: VectorCache[Float32Array], fails: bool) -> None:
    compute = Computation()
    compute.error = RuntimeError("no") if fails else None
    tasks = await ask(cache, compute, 3)
    compute.may_end.set()
    await asyncio.gather(*tasks, return_exceptions=True)
    gone = weakref.ref(compute)
    del compute, tasks
    await asyncio.sleep(0)
    gc.collect()
    assert gone() is None
