"""Requests are read when it is their turn, and their bytes count until the call is answered."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import cast

import pytest

from framewatch.v1 import framewatch_pb2 as pb
from framewatch_core.errors import LimitExceeded, MalformedMessage
from framewatch_core.limits import ByteAccount
from framewatch_server.rpc.reading.requests import Context, RequestReader
from framewatch_wire.requests.parse import parsed
from framewatch_wire.requests.scan import QUICK_FIELDS
from tests.unit.framewatch_server.rpc.contexts import FakeContext

LARGE = b"x" * 300_000


def account(maximum: int = 1 << 20) -> ByteAccount:
    return ByteAccount("calls", "bytes of calls", "max_call_bytes", maximum)


def reader(held: ByteAccount, timeout_s: float = 60.0) -> RequestReader:
    return RequestReader(max_reading=2, timeout_s=timeout_s, account=held)


def context(*requests: object) -> Context:
    return cast("Context", FakeContext(*requests))


@pytest.mark.parametrize("data", [b"small", LARGE], ids=["small", "large"])
async def test_bytes_count_until_the_call_is_answered(data: bytes) -> None:
    held = account()
    async with reader(held).call(context(data), len) as value:
        assert (value, held.held) == (len(data), len(data))
    assert held.held == 0


@pytest.mark.parametrize("data", [b"small", LARGE], ids=["small", "large"])
async def test_a_failed_conversion_gives_bytes_back(data: bytes) -> None:
    held = account()

    def fail(_: bytes) -> None:
        raise MalformedMessage("no")

    with pytest.raises(MalformedMessage):
        async with reader(held).call(context(data), fail):
            pass
    assert held.held == 0


async def test_only_large_requests_are_converted_on_another_thread() -> None:
    names: list[str] = []

    def convert(_: bytes) -> None:
        names.append(threading.current_thread().name)

    requests = reader(account())
    for data in (b"small", LARGE):
        async with requests.call(context(data), convert):
            pass
    here = threading.current_thread().name
    assert [name == here for name in names] == [True, False]


@pytest.mark.parametrize(
    ("field_count", "is_here"), [(QUICK_FIELDS - 1, True), (QUICK_FIELDS, False), (100_000, False)]
)
async def test_a_small_request_with_very_many_fields_is_converted_on_another_thread(
    field_count: int, is_here: bool
) -> None:
    names: list[str] = []

    def convert(data: bytes) -> pb.StreamFramesRequest:
        message = parsed(data, pb.StreamFramesRequest)
        names.append(threading.current_thread().name)
        return message

    data = b"\x78\x00" * field_count + bytes.fromhex("7a80 20") + bytes(4096)  # unknown fields
    holder = [data]
    await reader(account()).converted(holder, convert, len(data))
    assert holder == []
    assert [name == threading.current_thread().name for name in names] == [is_here]


async def test_more_bytes_than_may_be_held_are_refused() -> None:
    held = account(10)
    requests = reader(held)
    async with requests.call(context(b"123456"), bytes):
        with pytest.raises(LimitExceeded) as caught:
            async with requests.call(context(b"12345"), bytes):
                pass
        assert caught.value.metadata == {"limit": "max_call_bytes", "maximum": "10", "actual": "11"}
    async with requests.call(context(b"12345"), bytes) as value:
        assert value == b"12345"


async def test_a_call_without_a_request_is_malformed() -> None:
    with pytest.raises(MalformedMessage):
        async with reader(account()).call(context(), bytes):
            pass


class Slow(FakeContext):
    """A context whose request arrives when a test says so."""

    def __init__(self) -> None:
        super().__init__()
        self.request: asyncio.Future[object] = asyncio.get_running_loop().create_future()

    async def read(self) -> object:
        return await self.request


async def length(requests: RequestReader, each: FakeContext) -> int:
    async with requests.call(cast("Context", each), len) as value:
        return value


async def test_a_slow_request_gives_its_place_to_those_who_wait() -> None:
    requests = reader(account(), timeout_s=0.0)  # one address has one place of two
    slow = asyncio.create_task(length(requests, Slow()))
    await asyncio.sleep(0)
    assert await length(requests, FakeContext(b"x")) == 1
    with pytest.raises(LimitExceeded, match="reading_timeout_s"):
        await slow


async def test_a_slow_request_is_waited_for_if_nobody_else_waits() -> None:
    requests, slow = reader(account(), timeout_s=0.0), Slow()
    task = asyncio.create_task(length(requests, slow))
    for _ in range(5):
        await asyncio.sleep(0)
    slow.request.set_result(b"123")
    assert await task == 3


async def test_memory_in_use_by_a_thread_counts_after_the_call_is_cancelled() -> None:
    held, begun, may_end = account(), threading.Event(), threading.Event()

    def convert(data: bytes) -> int:
        begun.set()
        may_end.wait()
        return len(data)

    async def call(requests: RequestReader, take: Callable[[bytes], int]) -> None:
        async with requests.call(context(LARGE), take):
            pass

    task = asyncio.create_task(call(reader(held), convert))
    await asyncio.to_thread(begun.wait)
    task.cancel()
    for _ in range(5):
        await asyncio.sleep(0)
    assert held.held == len(LARGE)
    may_end.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert held.held == 0


async def test_a_large_request_is_not_kept_beside_its_value() -> None:
    holder = [bytearray(LARGE)]
    sizes: list[int] = []

    def convert(data: bytearray) -> int:
        sizes.append(len(holder))
        return len(data)

    assert await reader(account()).converted(holder, convert, len(LARGE)) == len(LARGE)
    assert sizes == [0]
