"""The end of a client, which ends all that waits for its calls."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from framewatch_client._forks import Process
from framewatch_client.errors import ClientClosed


class Closing:
    """State of a client: open, closed, or of another process.

    gRPC forgets calls that are just beginning when their channel is closed, and their callers would wait for ever. So
    each wait stands in a block of `ending`, which ends with the client.
    """

    def __init__(self) -> None:
        self._is_closed = False
        self._process: Process | None = None
        self._waits: set[asyncio.Timeout] = set()

    def begin(self) -> None:
        """Notes that the connection is made in this process."""
        self._process = Process()

    def check(self) -> None:
        """Raises ClientClosed or ClientForked if no call can be made, or go on."""
        if self._is_closed:
            raise ClientClosed
        if self._process is not None:
            self._process.check()

    @property
    def is_here(self) -> bool:
        """True unless this is a child of the process that the connection was made in."""
        return self._process is None or self._process.is_current

    @asynccontextmanager
    async def ending(self) -> AsyncIterator[None]:
        """Raises ClientClosed out of the block when the client is closed, or ClientForked before it."""
        self.check()
        wait = asyncio.timeout(None)
        try:
            async with wait:
                self._waits.add(wait)
                yield
        except TimeoutError:
            if wait.expired():
                raise ClientClosed from None
            raise
        except asyncio.CancelledError:
            if _is_being_cancelled():
                raise
            raise ClientClosed from None  # gRPC cancelled the call with its channel
        finally:
            self._waits.discard(wait)

    def close(self) -> None:
        """Ends all blocks of `ending`; later ones don't begin."""
        self._is_closed = True
        for wait in self._waits:
            wait.reschedule(0)


def _is_being_cancelled() -> bool:
    """Returns True if the running task itself is being cancelled, rather than the call that it waits for."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
