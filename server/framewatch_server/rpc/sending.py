"""Sending of responses to a client that may not read them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import ExitStack
from typing import Any, Self

import grpc

from framewatch_core.errors import ClientNotReading
from framewatch_server.rpc.gates import UnreadCalls


def hold_until_sent(place: ExitStack, timeout_s: float, unread: UnreadCalls, peer: str) -> None:
    """Keeps a unary call's place until its response is sent, which gRPC does afterwards, or is not read for so long."""
    held = place

    def give_up() -> None:
        nonlocal held
        held = unread.in_place_of(place, peer)

    timer = asyncio.get_running_loop().call_later(timeout_s, give_up)

    def sent(_: object) -> None:
        timer.cancel()
        held.close()

    _sending_task().add_done_callback(sent)


async def send_all(
    context: grpc.aio.ServicerContext[Any, Any], responses: AsyncIterator[Any], timeout_s: float
) -> None:
    """Sends responses. Raises ClientNotReading if one can't be sent for so long, because the client reads nothing."""
    with _UnreadWatch(timeout_s) as watch:
        try:
            async for response in responses:
                watch.begin()
                await context.write(response)
                watch.end()
        except asyncio.CancelledError:
            if not watch.has_expired:
                raise
            watch.task.uncancel()
            raise ClientNotReading(
                f"responses have waited for {timeout_s:g} s, and the client has read none: read while you send; open "
                "the stream again with its resume token"
            ) from None


class _UnreadWatch:
    """Cancels a task that sends, if a response takes too long; one timer for the stream, none for each response."""

    def __init__(self, timeout_s: float) -> None:
        self.task = _sending_task()
        self.has_expired = False
        self._timeout_s = timeout_s
        self._loop = asyncio.get_running_loop()
        self._since: float | None = None  # when the response that is being sent was begun
        self._timer: asyncio.TimerHandle | None = None

    def __enter__(self) -> Self:
        self._timer = self._loop.call_later(self._timeout_s, self._look)
        return self

    def __exit__(self, *_: object) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def begin(self) -> None:
        """Takes note that a response is being sent."""
        self._since = self._loop.time()

    def end(self) -> None:
        """Takes note that it is sent."""
        self._since = None

    def _look(self) -> None:
        now = self._loop.time()
        since = now if self._since is None else self._since
        if self._since is not None and since + self._timeout_s <= now:
            self.has_expired = True
            self.task.cancel()
            return
        self._timer = self._loop.call_at(since + self._timeout_s, self._look)


def _sending_task() -> asyncio.Task[Any]:
    task = asyncio.current_task()
    if task is None:
        msg = "responses are sent by a task"
        raise AssertionError(msg)
    return task
