"""Requests as bytes: what no stub would send, and requests that are held."""

from __future__ import annotations

import asyncio
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from framewatch.v1 import framewatch_pb2 as pb
from framewatch.v1 import framewatch_pb2_grpc as pb_grpc
from framewatch_bench.spawn import ServerProcess
from framewatch_server.rpc.health import MAX_WATCHES
from tests.integration.conftest import MakeServer, image, label_set
from tests.integration.errors import error_details

CALLS = ("Classify", "Similarity", "Embed", "ListModels")
SMALL_WINDOW = [("grpc.http2.bdp_probe", 0), ("grpc.http2.lookahead_bytes", 65_535)]
"""Channel options with which a client takes next to nothing that it doesn't read; by default it may take 50 MB."""


@pytest.mark.parametrize("method", CALLS)
@pytest.mark.parametrize("data", [b"\xff", b"\x0a\x7fcut off" * 1000], ids=["short", "long"])
def test_garbage_on_a_call_is_the_callers_fault(server: ServerProcess, method: str, data: bytes) -> None:
    with grpc.insecure_channel(server.address) as channel:
        call = channel.unary_unary(f"/framewatch.v1.ZeroShotService/{method}")
        with pytest.raises(grpc.RpcError) as caught:
            call(data)
    error = error_details(caught.value)
    assert (error.code, error.reason) == ("INVALID_ARGUMENT", "MALFORMED_MESSAGE")


@pytest.mark.parametrize(
    "requests", [[b"\xff"], [b"\x12\x00", b"\xff"]], ids=["first", "behind a config that is refused"]
)
def test_garbage_on_a_stream_ends_it(server: ServerProcess, requests: list[bytes]) -> None:
    with grpc.insecure_channel(server.address) as channel:
        call = channel.stream_stream("/framewatch.v1.ZeroShotService/StreamFrames")
        with pytest.raises(grpc.RpcError) as caught:
            list(call(iter(requests)))
    error = error_details(caught.value)
    assert error.code == "INVALID_ARGUMENT"
    assert error.reason in {"MALFORMED_MESSAGE", "MISSING_FIELD"}


def test_a_call_without_a_request_is_the_callers_fault(server: ServerProcess) -> None:
    with grpc.insecure_channel(server.address) as channel:
        call = channel.stream_unary("/framewatch.v1.ZeroShotService/Classify")
        with pytest.raises(grpc.RpcError) as caught:
            call(iter([]))
    assert error_details(caught.value).reason == "MALFORMED_MESSAGE"


@pytest.mark.parametrize(
    ("name", "reason"),
    [("m" * 30_000, "LIMIT_EXCEEDED"), ("漢" * 256, "MODEL_NOT_FOUND")],
    ids=["too long", "as long as allowed, escaped to thrice its size"],
)
def test_a_status_arrives_whatever_the_model_is_called(
    stub: pb_grpc.ZeroShotServiceStub, name: str, reason: str
) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        stub.Classify(pb.ClassifyRequest(model=name, image=image(), label_set=label_set("a")))
    assert error_details(caught.value).reason == reason


def test_a_status_arrives_whatever_a_template_is(stub: pb_grpc.ZeroShotServiceStub) -> None:
    labels = pb.LabelSet(labels=[pb.Label(name="a")], templates=pb.PromptTemplates(templates=["漢" * 1000]))
    with pytest.raises(grpc.RpcError) as caught:
        stub.Classify(pb.ClassifyRequest(image=image(), label_set=labels))
    error = error_details(caught.value)
    assert (error.reason, error.field) == ("INVALID_LABEL_SET", "label_set.templates.templates[0]")


async def test_bytes_of_calls_are_bounded_and_given_back(make_server: MakeServer) -> None:
    stub = await make_server(max_call_bytes=100_000)
    large = pb.EmbedRequest(texts=["x" * 2000] * 60)
    with pytest.raises(grpc.RpcError) as caught:
        await stub.Embed(large)
    error = error_details(caught.value)
    assert (error.code, error.metadata["limit"]) == ("RESOURCE_EXHAUSTED", "max_call_bytes")
    calls = [stub.Embed(pb.EmbedRequest(texts=["x"] * 1000)) for _ in range(8)]
    await asyncio.sleep(0)
    for call in calls:
        call.cancel()
    await asyncio.gather(*calls, return_exceptions=True)
    while stub.app._service.under_way()["unary"]:
        await asyncio.sleep(0.01)
    assert stub.app._service.held_bytes()["calls"] == (0, 100_000)


async def test_a_stream_that_is_not_read_ends_and_gives_its_place_back(make_server: MakeServer) -> None:
    stub = await make_server(unread_timeout_s=0.5, model="null")
    regions = [pb.Region(id=str(i), x=i / 64, width=1 / 64, height=1) for i in range(64)]
    labels = label_set(*(f"{i} {'x' * 200}" for i in range(100)))
    under_way = stub.app._service.under_way
    async with grpc.aio.insecure_channel(stub.app.address, SMALL_WINDOW) as channel:
        call = pb_grpc.ZeroShotServiceStub(channel).StreamFrames()
        await call.write(pb.StreamFramesRequest(config=pb.StreamConfig(label_set=labels, regions=regions)))
        frames = [pb.StreamFramesRequest(frame=pb.Frame(frame_id=i, image=image())) for i in range(1, 41)]
        sending = asyncio.gather(*(call.write(frame) for frame in frames), return_exceptions=True)  # 57 MB of responses
        while under_way()["stream"] == 0:
            await asyncio.sleep(0.01)
        while under_way()["stream"]:
            await asyncio.sleep(0.01)
        assert under_way()["unread"] == 1
        with pytest.raises(grpc.RpcError) as caught:
            async for _ in call:
                pass
        assert error_details(caught.value).reason == "CLIENT_NOT_READING"
        await sending
        while under_way()["unread"]:
            await asyncio.sleep(0.01)


async def test_watches_of_the_health_take_no_place_of_calls(make_server: MakeServer) -> None:
    stub = await make_server(model="null", max_calls=1, max_streams=1)
    async with grpc.aio.insecure_channel(stub.app.address) as channel:
        health = health_pb2_grpc.HealthStub(channel)  # type: ignore[no-untyped-call]
        watches = [health.Watch(health_pb2.HealthCheckRequest()) for _ in range(600)]
        codes = await asyncio.gather(*(_first_status(watch) for watch in watches))
        assert codes.count("SERVING") == MAX_WATCHES // 2
        assert codes.count("RESOURCE_EXHAUSTED") == 600 - MAX_WATCHES // 2
        assert (await stub.ListModels(pb.ListModelsRequest())).models[0].name == "null"
        assert (await health.Check(health_pb2.HealthCheckRequest())).status == health_pb2.HealthCheckResponse.SERVING
        for watch in watches:
            watch.cancel()


async def _first_status(watch: Any) -> str:
    try:
        return str(health_pb2.HealthCheckResponse.ServingStatus.Name((await watch.read()).status))
    except grpc.aio.AioRpcError as error:
        return str(error.code().name)


async def test_a_response_that_is_not_read_keeps_its_call_s_place_for_a_while(make_server: MakeServer) -> None:
    stub = await make_server(unread_timeout_s=2.0, model="null")
    request = pb.EmbedRequest(texts=[str(i) for i in range(1000)]).SerializeToString()  # 2 MB of vectors
    under_way = stub.app._service.under_way
    async with grpc.aio.insecure_channel(stub.app.address, SMALL_WINDOW) as channel:
        call = channel.stream_stream("/framewatch.v1.ZeroShotService/Embed")()
        await call.write(request)
        await call.done_writing()
        while not under_way()["unary"]:
            await asyncio.sleep(0.01)
        while stub.app._service.held_bytes()["calls"][0]:
            await asyncio.sleep(0.01)
        assert under_way()["unary"] == 1, "it is answered, and the answer is not read"
        while under_way()["unary"]:
            await asyncio.sleep(0.01)
        assert under_way()["unread"] == 1
        assert len(pb.EmbedResponse.FromString(await call.read()).text_vectors) == 1000 * 512 * 4
        assert await call.read() is grpc.aio.EOF
        while under_way()["unread"]:
            await asyncio.sleep(0.01)
