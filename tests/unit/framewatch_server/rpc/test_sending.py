"""Responses that a client does not read."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import ExitStack
from typing import cast

import pytest

from framewatch_core.errors import ClientNotReading, LimitExceeded
from framewatch_server.rpc.gates import UnreadCalls
from framewatch_server.rpc.reading.requests import Context
from framewatch_server.rpc.sending import hold_until_sent, send_all
from tests.unit.framewatch_server.rpc.contexts import FakeContext


async def responses(count: int) -> AsyncIterator[int]:
    for i in range(count):
        yield i


async def test_everything_is_sent_in_order() -> None:
    context = FakeContext()
    await send_all(cast("Context", context), responses(3), 60)
    assert context.sent == [0, 1, 2]


async def test_a_client_that_reads_nothing_ends_the_stream() -> None:
    context = FakeContext()
    context.may_send.clear()
    with pytest.raises(ClientNotReading) as caught:
        await send_all(cast("Context", context), responses(3), 0.01)
    assert caught.value.reason == "CLIENT_NOT_READING"
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0


async def test_a_stream_that_has_nothing_to_send_stays() -> None:
    may_end = asyncio.Event()

    async def silent() -> AsyncIterator[int]:
        await may_end.wait()
        yield 1

    context = FakeContext()
    sending = asyncio.create_task(send_all(cast("Context", context), silent(), 1e-6))
    for _ in range(20):
        await asyncio.sleep(0)
    assert not sending.done()
    may_end.set()
    await sending
    assert context.sent == [1]


async def test_a_client_that_goes_away_is_no_client_that_does_not_read() -> None:
    context = FakeContext()
    context.may_send.clear()
    sending = asyncio.create_task(send_all(cast("Context", context), responses(1), 60))
    await asyncio.sleep(0)
    sending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sending


@pytest.mark.parametrize("reads", [True, False], ids=["read", "not read"])
async def test_a_call_keeps_its_place_until_its_response_is_read(reads: bool) -> None:
    is_read, left, unread = asyncio.Event(), asyncio.Event(), UnreadCalls(share=1)

    async def call() -> None:
        with ExitStack() as place:
            place.callback(left.set)
            hold_until_sent(place.pop_all(), 60 if reads else 0.01, unread, "ipv4:a:1")
        await is_read.wait()  # gRPC, which sends the response

    task = asyncio.create_task(call())
    await asyncio.sleep(0)
    assert not left.is_set()
    if not reads:
        await left.wait()
        assert unread.count == 1
        with pytest.raises(LimitExceeded, match="max_unread_calls"):
            unread.check("ipv4:a:2")
        unread.check("ipv4:b:1")
    is_read.set()
    await task
    await left.wait()
    assert unread.count == 0
