"""Options of the connection to the server, and the running of a command on it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, TypeVar

from cyclopts import Parameter

from framewatch_client import DEFAULT_ADDRESS, DEFAULT_TIMEOUT_S, AsyncFramewatchClient

T = TypeVar("T")


@Parameter(name="*")
@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """Server and model.

    Attributes:
        server: HOST:PORT of the server.
        model: One of the server's models; by default the server's first.

    """

    server: Annotated[str, Parameter(env_var="FRAMEWATCH_SERVER")] = DEFAULT_ADDRESS
    model: Annotated[str, Parameter(show_default=False)] = ""


def run_with_client(
    server: str, command: Callable[[AsyncFramewatchClient], Awaitable[T]], timeout_s: float = DEFAULT_TIMEOUT_S
) -> T:
    """Runs a command with a client on an event loop of its own, and returns its result.

    Args:
        server: HOST:PORT.
        command: is called with the client.
        timeout_s: limit of each call.

    """

    async def connected() -> T:
        async with AsyncFramewatchClient(server, timeout_s=timeout_s) as client:
            return await command(client)

    return asyncio.run(connected())
