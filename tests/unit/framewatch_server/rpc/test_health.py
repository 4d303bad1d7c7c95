"""The health service: its answers and its bounds."""

from __future__ import annotations

import asyncio
from typing import cast

import grpc
import pytest
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse

from framewatch_server.rpc.health import MAX_WATCHES, HealthService
from framewatch_server.rpc.reading.requests import Context
from tests.unit.framewatch_server.rpc.contexts import Aborted, FakeContext

SERVING, NOT_SERVING = HealthCheckResponse.SERVING, HealthCheckResponse.NOT_SERVING
UNKNOWN = HealthCheckResponse.SERVICE_UNKNOWN


def asking(service: str = "", peer: str = "ipv4:10.0.0.1:1") -> FakeContext:
    return FakeContext(HealthCheckRequest(service=service).SerializeToString(), peer=peer)


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


def statuses(context: FakeContext) -> list[int]:
    return [cast("HealthCheckResponse", sent).status for sent in context.sent]


async def check(health: HealthService, service: str) -> int:
    return (await health.check(None, cast("Context", asking(service)))).status


async def test_checks_are_answered() -> None:
    health = HealthService()
    health.set("s", NOT_SERVING)
    assert await check(health, "") == SERVING
    assert await check(health, "s") == NOT_SERVING
    context = asking("other")
    with pytest.raises(Aborted):
        await health.check(None, cast("Context", context))
    assert context.code is grpc.StatusCode.NOT_FOUND


async def test_a_watch_sends_changes_alone() -> None:
    health = HealthService()
    known, unknown = asking("s"), asking("other")
    health.set("s", NOT_SERVING)
    watches = [asyncio.create_task(health.watch(None, cast("Context", each))) for each in (known, unknown)]
    await settle()
    health.set("s", NOT_SERVING)
    await settle()
    health.set("s", SERVING)
    await settle()
    health.shut_down()
    health.set("s", SERVING)
    await settle()
    assert statuses(known) == [NOT_SERVING, SERVING, NOT_SERVING]
    assert statuses(unknown) == [UNKNOWN]
    for watch in watches:
        watch.cancel()
    await asyncio.gather(*watches, return_exceptions=True)


async def test_a_watch_that_is_not_read_holds_up_nobody() -> None:
    health = HealthService()
    stuck, read = asking(), asking()
    stuck.may_send.clear()
    watches = [asyncio.create_task(health.watch(None, cast("Context", each))) for each in (stuck, read)]
    await settle()
    health.shut_down()
    await settle()
    assert statuses(read) == [SERVING, NOT_SERVING]
    assert await check(health, "") == NOT_SERVING
    for watch in watches:
        watch.cancel()
    await asyncio.gather(*watches, return_exceptions=True)


async def test_one_address_can_not_have_all_watches() -> None:
    health = HealthService()
    contexts = [asking(peer=f"ipv4:10.0.0.1:{port}") for port in range(600)]
    watches = [asyncio.create_task(health.watch(None, cast("Context", each))) for each in contexts]
    other = asking(peer="ipv4:10.0.0.2:1")
    watches.append(asyncio.create_task(health.watch(None, cast("Context", other))))
    for _ in range(5):
        await settle()
    assert sum(len(each.sent) for each in contexts) == MAX_WATCHES // 2
    assert {each.code for each in contexts if not each.sent} == {grpc.StatusCode.RESOURCE_EXHAUSTED}
    assert statuses(other) == [SERVING]
    assert await check(health, "") == SERVING
    for watch in watches:
        watch.cancel()
    await asyncio.gather(*watches, return_exceptions=True)


async def test_a_large_check_is_refused() -> None:
    context = FakeContext(HealthCheckRequest(service="x" * 100_000).SerializeToString())
    with pytest.raises(Aborted):
        await HealthService().check(None, cast("Context", context))
    assert context.code is grpc.StatusCode.RESOURCE_EXHAUSTED
