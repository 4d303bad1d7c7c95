"""Values that are computed once for all callers that wait for them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from concurrent.futures import Future
from functools import partial
from typing import Any, TypeVar

from framewatch_server.engine.threads.failures import as_error
from framewatch_server.engine.vector_cache import GivenUp, Measured, VectorCache

ValueT = TypeVar("ValueT", bound=Measured)


class _Computation:
    """A computation under way, and the number of callers that wait for it."""

    def __init__(self, task: asyncio.Future[Any]) -> None:
        self._task = task
        self._waiting = 0

    def __enter__(self) -> None:
        self._waiting += 1

    def __exit__(self, *_: object) -> None:
        self._waiting -= 1
        if self._waiting == 0:
            self._task.cancel()  # does nothing to one that has ended


_under_way: dict[Future[Any], _Computation] = {}
"""The computations by the futures of their values. What has ended is removed: its error keeps the caller's images."""


async def computed_once(cache: VectorCache[ValueT], key: Hashable, compute: Callable[[], Awaitable[ValueT]]) -> ValueT:
    """Returns a value from the cache; of the callers that find it missing, the first one has it computed for all.

    The computation goes on for as long as any caller waits for it, and no longer: if all are cancelled, so is it. An
    error of `compute` is raised in every waiting caller.
    """
    while True:
        claim = cache.claim(key)
        if claim.must_compute:
            task = asyncio.ensure_future(compute())
            task.add_done_callback(partial(_share, cache, key))
            _under_way[claim.value] = _Computation(task)
            task.add_done_callback(partial(_forget, claim.value))
        elif claim.value.done():
            return claim.value.result()
        try:
            with _under_way[claim.value]:
                # shielded: a caller that is cancelled must not cancel the future of the others
                return await asyncio.shield(_watched(claim.value))
        except GivenUp:
            continue


def _watched(value: Future[ValueT]) -> asyncio.Future[ValueT]:
    """The value's future in this loop; asyncio logs nothing if its error finds no caller waiting any more."""
    future = asyncio.wrap_future(value)
    future.add_done_callback(lambda done: done.cancelled() or done.exception())
    return future


def _forget(value: Future[Any], _: object) -> None:
    del _under_way[value]


def _share(cache: VectorCache[ValueT], key: Hashable, done: asyncio.Future[ValueT]) -> None:
    """Passes the outcome of a computation to all who wait for it; in a callback, since it may end before it begins."""
    if done.cancelled():
        cache.give_up(key, GivenUp())
    elif (error := done.exception()) is not None:
        cache.give_up(key, as_error(error, "a computation"))
    else:
        cache.fulfil(key, done.result())
