"""Values that everybody waits for and nobody computes twice."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from concurrent.futures import Future
from typing import TypeVar

from framewatch_server.vision.vector_cache import GivenUp, Measured, VectorCache

ValueT = TypeVar("ValueT", bound=Measured)


async def computed_once(cache: VectorCache[ValueT], key: Hashable, compute: Callable[[], Awaitable[ValueT]]) -> ValueT:
    """A value from the cache; of those who ask while it is missing, one computes it for all.

    Should that one be cancelled, another one computes it. What `compute` raises reaches everyone who waits.
    """
    while True:
        claim = cache.claim(key)
        if claim.must_compute:
            return await _computed(cache, key, compute)
        try:
            # shielded: one who goes away must not take the future from the others
            return await asyncio.shield(_watched(claim.value))
        except GivenUp:
            continue


def _watched(value: Future[ValueT]) -> asyncio.Future[ValueT]:
    """The value's future in this loop, which does not complain of an error that nobody waits for any more."""
    future = asyncio.wrap_future(value)
    future.add_done_callback(lambda done: done.cancelled() or done.exception())
    return future


async def _computed(cache: VectorCache[ValueT], key: Hashable, compute: Callable[[], Awaitable[ValueT]]) -> ValueT:
    try:
        value = await compute()
    except Exception as error:
        cache.give_up(key, error)
        raise
    except BaseException:
        cache.give_up(key, GivenUp())
        raise
    cache.fulfil(key, value)
    return value
