"""Reading of requests: bytes that are counted while they are held, checked, and turned into values.

gRPC would read and parse a request before anything here could refuse it. So the methods take raw bytes, and ask for
them when it is their turn.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager
from typing import Any, TypeAlias, TypeVar

import grpc

from framewatch_core.errors import LimitExceeded, MalformedMessage
from framewatch_core.limits import ByteAccount
from framewatch_server.rpc.reading.slots import ReadingSlots
from framewatch_wire.requests.scan import SlowScan, quick_scans

_LARGE_BYTES = 256 * 1024
"""Bytes of a request from which on it is parsed and converted on another thread than the event loop's."""

_LARGE_AT_ONCE = 2
"""Large requests that are converted at once: while one is, there are two of it."""

_LOOK_AGAIN_S = 0.5
"""Time between looks whether a call waits for the place of a slow one."""

Context: TypeAlias = grpc.aio.ServicerContext[Any, Any]
ValueT = TypeVar("ValueT")
RequestT = TypeVar("RequestT")
Convert: TypeAlias = Callable[[bytes], ValueT]


class RequestReader:
    """Reads the requests of calls, and converts those of streams; used from the event loop."""

    def __init__(self, *, max_reading: int, timeout_s: float, account: ByteAccount) -> None:
        """Sets bounds.

        Args:
            max_reading: calls whose requests are read at once.
            timeout_s: time for which one may be read while others wait for their turn.
            account: counts the bytes of requests for as long as they, or what was made of them, are held.

        """
        self._slots = ReadingSlots(max_reading)
        self._timeout_s = timeout_s
        self._account = account
        self._large = asyncio.Semaphore(_LARGE_AT_ONCE)

    @asynccontextmanager
    async def call(self, context: Context, convert: Convert[ValueT]) -> AsyncIterator[ValueT]:
        """Reads the request of a call, and holds its bytes in the account for as long as the context lasts.

        Raises:
            LimitExceeded: it took too long to arrive while others waited, or too many bytes are held.
            FramewatchError: as `convert` does.

        """
        data = await self._read(context)
        with self.holding(len(data)):
            # from here on only the list has the bytes, and the conversion takes them out of it
            holder = [data]
            del data
            yield await self.converted(holder, convert, len(holder[0]))

    async def converted(
        self, holder: list[RequestT], convert: Callable[[RequestT], ValueT], size: int, large: int = _LARGE_BYTES
    ) -> ValueT:
        """Converts the request that is alone in a list, which is then empty.

        A large one, and one with very many fields, is converted on another thread.

        Args:
            holder: has the only reference to the request, so that its memory can go as early as possible.
            convert: returns the value, or raises; called a second time if its scan would take long.
            size: bytes of the request.
            large: bytes from which on it is large.

        """
        if size < large:
            request = holder.pop()
            try:
                with quick_scans():
                    return convert(request)
            except SlowScan:
                holder.append(request)
                del request
        async with self._large:
            return await _to_the_end(asyncio.to_thread(lambda: convert(holder.pop())))

    def holding(self, count: int) -> AbstractContextManager[None]:
        """Counts bytes in the account; see `ByteAccount.holding`."""
        return self._account.holding(count)

    async def _read(self, context: Context) -> bytes:
        async with self._slots.taken(context.peer()):
            try:
                async with asyncio.timeout(None) as waiting:
                    with self._deadline(waiting, context.peer()):
                        request = await context.read()
            except TimeoutError:
                raise LimitExceeded(
                    "seconds in which the request did not arrive, while others wait for its place",
                    limit="reading_timeout_s",
                    maximum=round(self._timeout_s),
                    actual=round(self._timeout_s),
                ) from None
        if not isinstance(request, bytes):
            raise MalformedMessage("the call has no request: send one message")
        return request

    @contextmanager
    def _deadline(self, waiting: asyncio.Timeout, peer: str) -> Iterator[None]:
        """Ends the wait for a request that is slow, once another call waits for its place: slow lines are no fault."""
        loop = asyncio.get_running_loop()
        timers: list[asyncio.TimerHandle] = []

        def look() -> None:
            if self._slots.is_wanted(peer):
                waiting.reschedule(loop.time())
            else:
                timers[:] = [loop.call_later(_LOOK_AGAIN_S, look)]

        timers.append(loop.call_later(self._timeout_s, look))
        try:
            yield
        finally:
            timers[0].cancel()


async def _to_the_end(work: Awaitable[ValueT]) -> ValueT:
    """Waits for a thread's work also if the caller is cancelled: until then its memory is in use."""
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        task.exception()  # if it has one, nobody waits for it any more
        raise
