"""Work that the process doesn't wait for when it ends."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from typing import TypeVar

from framewatch_server.engine.threads.failures import as_error

ResultT = TypeVar("ResultT")


async def in_daemon_thread(function: Callable[[], ResultT]) -> ResultT:
    """Calls a function on a thread of its own; if the caller is cancelled it runs on, but keeps no process alive.

    asyncio's own threads do: a server that is to stop would wait for a download to end.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[ResultT] = loop.create_future()

    def resolve(set_outcome: Callable[[], None]) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: no caller is left
            loop.call_soon_threadsafe(lambda: None if future.done() else set_outcome())

    def run() -> None:
        try:
            result = function()
        except BaseException as error:
            raised = as_error(error, "loading")  # a name of its own: Python deletes `error` at the end of the clause
            resolve(lambda: future.set_exception(raised))
        else:
            resolve(lambda: future.set_result(result))

    threading.Thread(target=run, name="loading", daemon=True).start()
    return await future
