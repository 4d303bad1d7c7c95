"""Values that are computed once for all callers that wait for them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from concurrent.futures import Future
from typing import TypeVar

from framewatch_server.engine.threads.failures import as_error
from framewatch_server.engine.vector_cache import GivenUp, Measured, VectorCache

ValueT = TypeVar("ValueT", bound=Measured)


async def computed_once(cache: VectorCache[ValueT], key: Hashable, compute: Callable[[], Awaitable[ValueT]]) -> ValueT:
    """Returns a value from the cache; of the callers that find it missing, one computes it for all.

    If that caller is cancelled, another one computes it. An error of `compute` is raised in every waiting caller.
    """
    while True:
        claim = cache.claim(key)
        if claim.must_compute:
            return await _computed(cache, key, compute)
        try:
            # shielded: a caller that is cancelled must not cancel the future of the others
            return await asyncio.shield(_watched(claim.value))
        except GivenUp:
            continue


def _watched(value: Future[ValueT]) -> asyncio.Future[ValueT]:
    """The value's future in this loop; asyncio logs nothing if its error finds no caller waiting any more."""
    future = asyncio.wrap_future(value)
    future.add_done_callback(lambda done: done.cancelled() or done.exception())
    return future


async def _computed(cache: VectorCache[ValueT], key: Hashable, compute: Callable[[], Awaitable[ValueT]]) -> ValueT:
    try:
        value = await compute()
    except Exception as error:
        cache.give_up(key, as_error(error, "a computation"))
        raise
    except BaseException:
        cache.give_up(key, GivenUp())
        raise
    cache.fulfil(key, value)
    return value
