"""Bytes of streams over real gRPC: limits of a config, clients that don't read, and what is left of them."""

from __future__ import annotations

import asyncio
from typing import Any

import grpc
import pytest

from framewatch.v1 import framewatch_pb2 as pb
from tests.integration.conftest import MakeServer, image, jpeg, label_set
from tests.integration.errors import error_details
from tests.integration.streams import Response, config, frame, split
from tests.integration.test_regions import grid

MIB = 1024 * 1024
MANY = [f"label {i}" for i in range(100)]


async def call_error(call: Any) -> grpc.RpcError:
    with pytest.raises(grpc.RpcError) as caught:
        async for _ in call:
            pass
    return caught.value


@pytest.mark.parametrize(
    ("settings", "labels", "regions", "limit", "field"),
    [
        pytest.param({}, MANY * 10, 16, "max_scores_per_frame", "config.regions", id="scores"),
        pytest.param(
            {"max_scores_per_frame": 99}, MANY, 0, "max_scores_per_frame", "config.label_set.labels", id="labels alone"
        ),
        pytest.param({"max_result_bytes": 9_000}, MANY, 8, "max_result_bytes", "config.regions", id="bytes"),
    ],
)
async def test_configs_with_too_many_scores_are_refused(
    make_server: MakeServer, settings: dict[str, int], labels: list[str], regions: int, limit: str, field: str
) -> None:
    stub = await make_server(model="null", **{"max_scores_per_frame": 16 * 100, **settings})
    names = [f"{name} {i}" for i, name in enumerate(labels)]
    error = await call_error(stub.StreamFrames(iter([config(*names, regions=grid(8)[:regions])])))
    details = error_details(error)
    assert (details.code, details.reason) == ("RESOURCE_EXHAUSTED", "LIMIT_EXCEEDED")
    assert (details.metadata["limit"], details.field) == (limit, field)


async def test_a_later_config_with_too_many_scores_ends_the_stream_after_its_results(make_server: MakeServer) -> None:
    stub = await make_server(model="null", max_scores_per_frame=99)
    call = stub.StreamFrames(iter([config("a"), frame(1), config(*MANY)]))
    responses: list[Response] = []
    with pytest.raises(grpc.RpcError) as caught:
        async for response in call:
            responses.append(response)  # noqa: PERF401 the error comes after them
    assert split(responses)[1] == [(1, "scores")]
    assert error_details(caught.value).metadata["limit"] == "max_scores_per_frame"


async def test_a_call_with_too_many_labels_is_refused(make_server: MakeServer) -> None:
    stub = await make_server(model="null", max_scores_per_frame=99)
    with pytest.raises(grpc.RpcError) as caught:
        await stub.Classify(pb.ClassifyRequest(image=image(jpeg()), label_set=label_set(*MANY)))
    details = error_details(caught.value)
    assert (details.metadata["limit"], details.field) == ("max_scores_per_frame", "label_set.labels")


async def test_a_client_that_reads_nothing_holds_its_share_until_it_goes(make_server: MakeServer) -> None:
    stub = await make_server(model="null", max_unsent_bytes=MIB, max_waiting_bytes=MIB)
    held = stub.app._service.held_bytes  # type: ignore[attr-defined]
    call = stub.StreamFrames()
    await call.write(config(*MANY, regions=grid(8)))
    same = jpeg()

    async def send() -> None:
        for i in range(1, 500):
            await call.write(frame(i, same))

    sending = asyncio.create_task(send())
    while held()["unsent"][0] < MIB / 2:
        await asyncio.sleep(0.01)
    for _ in range(50):
        await asyncio.sleep(0.01)
        assert held()["unsent"][0] <= MIB
        assert held()["waiting"][0] <= MIB + len(same)
    assert not sending.done(), "the server reads no further"
    call.cancel()
    await asyncio.gather(sending, return_exceptions=True)
    while held()["unsent"][0] or held()["waiting"][0]:
        await asyncio.sleep(0.01)


async def test_a_slow_reader_gets_every_result(make_server: MakeServer) -> None:
    stub = await make_server(model="null", max_unsent_bytes=10_000, max_waiting_bytes=10_000)
    call = stub.StreamFrames(iter([config(*MANY, regions=grid(4)), *(frame(i) for i in range(1, 41))]))
    responses = []
    async for response in call:
        responses.append(response)
        await asyncio.sleep(0)
    assert split(responses)[1] == [(i, "scores") for i in range(1, 41)]
