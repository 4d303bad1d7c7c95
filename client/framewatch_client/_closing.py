"""The end of a client, which ends all that waits for its calls."""

from __future__ import annotations

import asyncio
from types import TracebackType

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
        self._waits: set[_Ending] = set()

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
    def is_closed(self) -> bool:
        """True from the client's end on."""
        return self._is_closed

    @property
    def is_here(self) -> bool:
        """True unless this is a child of the process that the connection was made in."""
        return self._process is None or self._process.is_current

    def ending(self) -> _Ending:
        """Returns a context whose block raises ClientClosed when the client is closed, or ClientForked before it.

        The block belongs to a task of the client's event loop.
        """
        return _Ending(self, self._waits)

    def close(self) -> None:
        """Ends all blocks of `ending`; later ones don't begin. Runs on the client's event loop."""
        self._is_closed = True
        for wait in self._waits:
            wait.end()


class _Ending:
    """A block of `Closing.ending`. It is `asyncio.timeout` without a time, at a tenth of the cost for each message."""

    __slots__ = ("_cancelling", "_closing", "_is_ended", "_task", "_waits")

    _task: asyncio.Task[object]

    def __init__(self, closing: Closing, waits: set[_Ending]) -> None:
        self._closing = closing
        self._waits = waits
        self._is_ended = False

    def __enter__(self) -> None:
        self._closing.check()
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("a call is made outside of a task: run it with asyncio.run")
        self._task, self._cancelling = task, task.cancelling()
        self._waits.add(self)

    def end(self) -> None:
        """Ends the block, which waits for something."""
        self._is_ended = True
        self._task.cancel()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._waits.discard(self)
        cancelling = self._task.uncancel() if self._is_ended else self._task.cancelling()
        # gRPC cancels a call with its channel, which looks the same. A client that is open did not cancel anything: its
        # task was cancelled before the block, as Ctrl-C does while the task runs.
        is_own = self._closing.is_closed and cancelling <= self._cancelling
        if isinstance(error, asyncio.CancelledError) and is_own:
            raise ClientClosed from None
