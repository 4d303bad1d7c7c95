"""Closed clients: every call raises ClientClosed, whenever the client is closed."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import repeat

import numpy as np
import pytest

from framewatch_client import AsyncFramewatchClient, ClientClosed, FramewatchClient
from tests.unit.framewatch_client.fake_server import FakeService

GREY = np.full((8, 8), 128, dtype=np.uint8)
NOBODY = "127.0.0.1:1"

CALLS: dict[str, Callable[[FramewatchClient], object]] = {
    "classify": lambda client: client.classify(GREY, ["a"]),
    "label": lambda client: client.label(GREY, ["a"]),
    "similarity": lambda client: client.similarity(GREY, [GREY]),
    "similarities": lambda client: client.similarities(GREY, [GREY]),
    "embed": lambda client: client.embed(texts="a"),
    "list_models": lambda client: client.list_models(),
    "stream": lambda client: client.stream([GREY], ["a"]),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
@pytest.mark.parametrize("connected", [True, False], ids=["connected", "never connected"])
def test_a_closed_client_refuses_calls(
    thread_address: str, call: Callable[[FramewatchClient], object], connected: bool
) -> None:
    client = FramewatchClient(thread_address)
    if connected:
        client.list_models()
    client.close()
    client.close()
    with pytest.raises(ClientClosed, match="client was closed"):
        call(client)


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
async def test_a_closed_asynchronous_client_refuses_calls(
    address: str, call: Callable[[AsyncFramewatchClient], object]
) -> None:
    client = AsyncFramewatchClient(address)
    await client.list_models()
    await client.aclose()
    await client.aclose()
    with pytest.raises(ClientClosed, match="client was closed"):
        await call(client)  # type: ignore[misc]
    with pytest.raises(ClientClosed):
        await client.__aenter__()


async def ask_for_ever(client: AsyncFramewatchClient) -> None:
    while True:
        await client.list_models()


async def stream_for_ever(client: AsyncFramewatchClient) -> None:
    async for _ in client.stream(repeat(GREY), ["a"]):
        pass


@pytest.mark.parametrize("use", [ask_for_ever, stream_for_ever])
@pytest.mark.parametrize("steps", [*range(12), 40, 100])
async def test_closing_ends_what_has_just_begun(
    address: str, use: Callable[[AsyncFramewatchClient], object], steps: int
) -> None:
    """gRPC forgets calls that are beginning when their channel is closed."""
    client = AsyncFramewatchClient(address)
    user = asyncio.ensure_future(use(client))  # type: ignore[arg-type]
    for _ in range(steps):
        await asyncio.sleep(0)
    await client.aclose()
    with pytest.raises(ClientClosed):
        await user


@pytest.mark.parametrize("steps", range(4))
async def test_closing_ends_calls_to_nobody(steps: int) -> None:
    client = AsyncFramewatchClient(NOBODY)
    user = asyncio.ensure_future(ask_for_ever(client))
    for _ in range(steps):
        await asyncio.sleep(0)
    await client.aclose()
    with pytest.raises(ClientClosed):
        await user


@pytest.mark.parametrize("use", [ask_for_ever, stream_for_ever])
async def test_ctrl_c_just_before_a_call_is_a_cancellation_and_no_closed_client(
    address: str, use: Callable[[AsyncFramewatchClient], Awaitable[object]]
) -> None:
    """asyncio's handler of Ctrl-C cancels the main task while it runs: the next call is the first to meet that."""

    async def program() -> None:
        async with AsyncFramewatchClient(address) as client:
            task = asyncio.current_task()
            assert task is not None
            task.cancel()
            await use(client)

    user = asyncio.create_task(program())
    await asyncio.wait({user})
    assert user.cancelled()


def test_closing_ends_the_calls_of_other_threads(thread_address: str, service: FakeService) -> None:
    service.hold = 10**9
    client = FramewatchClient(thread_address)
    with ThreadPoolExecutor(1) as pool:
        watching = pool.submit(lambda: list(client.stream([GREY] * 100, ["a"])))
        service.waiting.wait()
        client.close()
        with pytest.raises(ClientClosed):
            watching.result()


def test_a_stream_that_was_begun_ends_with_its_client(thread_address: str) -> None:
    client = FramewatchClient(thread_address)
    begun, not_begun = (client.stream([GREY] * 3, ["a"]) for _ in range(2))
    next(begun)
    client.close()
    for stream in (begun, not_begun):
        with pytest.raises(ClientClosed):
            next(stream)


@pytest.mark.parametrize("use", [FramewatchClient.list_models, FramewatchClient.close])
def test_a_client_that_is_used_in_its_own_callback_is_an_error_and_no_deadlock(
    thread_address: str, use: Callable[[FramewatchClient], object]
) -> None:
    with FramewatchClient(thread_address) as client:
        with pytest.raises(RuntimeError, match="a function that it calls itself"):
            list(client.stream([GREY], ["a"], on_started=lambda _: use(client)))
        assert client.list_models()


def test_a_source_that_ends_the_program_ends_the_stream_only(thread_address: str) -> None:
    def frames() -> Iterator[np.ndarray]:
        yield GREY
        raise SystemExit(3)

    with FramewatchClient(thread_address) as client:
        with pytest.raises(SystemExit):
            list(client.stream(frames(), ["a"]))
        assert client.list_models()


def test_a_forgotten_client_ends_its_thread(thread_address: str) -> None:
    client = FramewatchClient(thread_address)
    client.list_models()
    [thread] = [each for each in threading.enumerate() if each.name == "framewatch-client"]
    del client
    thread.join()
