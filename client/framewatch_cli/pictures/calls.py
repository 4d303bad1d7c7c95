"""Many calls at once, so that the server's batches fill, with results in the order of the items."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from contextlib import aclosing
from typing import TypeVar

T = TypeVar("T")
U = TypeVar("U")

CALL_TIMEOUT_S = 300.0
"""Time limit of a call. A large model on few cores needs seconds for a picture, and calls wait for each other."""

_END = object()


async def map_in_order(
    function: Callable[[T], Awaitable[U]], items: AsyncGenerator[T], width: int
) -> AsyncGenerator[U, None]:
    """Yields a function's results in the order of the items, with at most `width` calls at once.

    The next item is read only once a call may begin for it. The first failure in the items' order ends the iteration
    with its error, and cancels the calls behind it.
    """
    running: deque[asyncio.Future[U]] = deque()
    try:
        async with aclosing(items):
            async for item in items:
                running.append(asyncio.ensure_future(function(item)))
                if len(running) == width:
                    yield await running.popleft()
        while running:
            yield await running.popleft()
    finally:
        for call in running:
            call.cancel()
        await asyncio.gather(*running, return_exceptions=True)


async def in_thread(items: Iterator[T]) -> AsyncGenerator[T, None]:
    """Yields the items of an iterator that blocks, each read on a worker thread."""
    while (item := await asyncio.to_thread(next, items, _END)) is not _END:
        yield item  # type: ignore[misc]  # next returns an item or _END
