"""Streams that lose connection, client or server at any stage get the results of an undisturbed stream."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, aclosing
from dataclasses import asdict, replace
from itertools import islice
from typing import Any

import cv2
import grpc
import pytest

from framewatch.v1 import framewatch_pb2 as pb
from framewatch.v1 import framewatch_pb2_grpc as pb_grpc
from framewatch_bench.demo.belt import render_belt_video
from framewatch_bench.spawn import ServerProcess
from framewatch_client import (
    AsyncFramewatchClient,
    Event,
    EventKind,
    Frame,
    FrameResult,
    FramewatchCallError,
    FramewatchClient,
    Reconfigure,
    Reconnected,
    ResumePoint,
    ServerUnreachableError,
    StreamItem,
    StreamStarted,
)
from framewatch_client._streaming.reconnect import Backoff
from framewatch_server.config import ServerConfig
from framewatch_server.rpc.app import ServerApp
from tests.integration.conftest import MakeServer
from tests.integration.errors import error_details
from tests.integration.lossy_proxy import Cut, LossyProxy
from tests.integration.streams import config, frame

LABELS = ["box", "an empty conveyor belt"]
RULES = ["box:0.8:0.5", "an empty conveyor belt:0.8:0.5:0.5"]
Item = FrameResult | Event


@pytest.fixture(autouse=True)
def no_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("framewatch_client.aio._BACKOFF", Backoff(0.01, 0.1))


@pytest.fixture(scope="module")
def frames() -> list[Frame]:
    """8 seconds of a belt with two boxes, at two frames per second."""
    video = render_belt_video(3, fps=2, seconds=12, width=160, height=90)
    images = islice(video.frames, 3, 19)
    return [Frame(cv2.imencode(".png", image)[1].tobytes(), i / 2, i) for i, image in enumerate(images)]


@pytest.fixture
async def expected(server: ServerProcess, frames: list[Frame]) -> list[Any]:
    """The results of an undisturbed stream: one per frame, and both boxes enter and exit."""
    items = await watch(server.address, frames)
    assert [item.frame_id for item in items if isinstance(item, FrameResult)] == list(range(16))
    kinds = [(item.rule_id, item.kind) for item in items if isinstance(item, Event)]
    assert [kind for rule, kind in kinds if rule == "box"] == [EventKind.ENTERED, EventKind.EXITED] * 2
    assert len(kinds) >= 7
    return comparable(items)


async def watch(address: str, items: list[StreamItem] | list[Frame], **options: Any) -> list[Item]:
    async with AsyncFramewatchClient(address) as client:
        return [item async for item in client.stream(items, LABELS, rules=RULES, **options)]


def comparable(items: list[Item]) -> list[Any]:
    """Returns all that must be equal. Event ids are numbered within a stream, after its unique prefix."""
    streams = {item.event_id.rpartition("-")[0] for item in items if isinstance(item, Event)}
    assert len(streams) <= 1
    return [
        (
            *(item.event_id.rpartition("-")[2], item.kind, item.rule_id, item.frame_id, item.time_s),
            *(item.began_frame_id, item.present_s, near(item.score), near(item.peak_score)),
        )
        if isinstance(item, Event)
        else (
            *(item.frame_id, item.time_s, item.status, item.config_version),
            [(score.label, near(score.probability)) for score in item.scores],
        )
        for item in items
    ]


def near(value: float) -> Any:
    """Tolerates differences in the last digits, which depend on the batch."""
    return pytest.approx(value, abs=1e-4)


@pytest.mark.parametrize("window", [None, 1], ids=["many in flight", "one in flight"])
@pytest.mark.parametrize("cut", Cut)
async def test_a_connection_lost_after_any_message_loses_nothing(
    server: ServerProcess, frames: list[Frame], expected: list[Any], cut: Cut, window: int | None
) -> None:
    last_frame_ids = set()
    for count in range(1, len(expected) + 2, window or 2):
        reconnects: list[Reconnected] = []
        proxy = LossyProxy(server.address, [count], cut)
        async with proxy as address:
            items = await watch(address, frames, window=window, on_reconnect=reconnects.append)
        assert comparable(items) == expected, count
        assert [each.started.resumed for each in reconnects] == [True], count
        assert proxy.cut_count == 1
        point = reconnects[0].started.resume_point
        assert point is not None
        last_frame_ids.add(point.last_frame_id)
    if window == 1:  # otherwise several results may be in flight, and lost with the connection
        assert last_frame_ids == {None, *range(16)}


@pytest.mark.parametrize("cut", Cut)
async def test_a_connection_lost_before_the_start_is_an_error(
    server: ServerProcess, frames: list[Frame], cut: Cut
) -> None:
    async with LossyProxy(server.address, [0], cut) as address:
        with pytest.raises(FramewatchCallError):
            await watch(address, frames)


@pytest.mark.parametrize("code", [0, 2, 7, 8], ids=["NO_ERROR", "INTERNAL_ERROR", "REFUSED_STREAM", "CANCEL"])
async def test_a_reset_call_is_resumed(
    server: ServerProcess, frames: list[Frame], expected: list[Any], code: int
) -> None:
    async with LossyProxy(server.address, [9], Cut.RESET, code) as address:
        assert comparable(await watch(address, frames)) == expected


@pytest.mark.parametrize("cut", Cut)
@pytest.mark.parametrize(
    "messages",
    [[2] * 60, [1, 0, 0, 1, 4, 0, 3, 0, 1, 1, 6, 0], [3, 0, 2, 1, 5] * 5],
    ids=["every two messages", "before it has resumed", "mixed"],
)
async def test_a_connection_lost_repeatedly_loses_nothing(
    server: ServerProcess, frames: list[Frame], expected: list[Any], messages: list[int], cut: Cut
) -> None:
    async with LossyProxy(server.address, list(messages), cut) as address:
        assert comparable(await watch(address, frames)) == expected


async def test_a_killed_client_resumes_from_its_last_resume_point(
    server: ServerProcess, frames: list[Frame], expected: list[Any]
) -> None:
    for count in range(len(expected) + 1):
        items, point = await watch_some(server.address, frames, count)
        rest = frames[0 if point.last_frame_id is None else point.last_frame_id + 1 :]
        starts: list[StreamStarted] = []
        items += await watch(server.address, rest, resume=point, on_started=starts.append)
        assert comparable(items) == expected, count
        assert [start.resumed for start in starts] == [True]


async def watch_some(address: str, frames: list[Frame], count: int) -> tuple[list[Item], ResumePoint]:
    """Returns the first items of a stream that is then left, and its last resume point."""
    starts: list[StreamStarted] = []
    items: list[Item] = []
    async with AsyncFramewatchClient(address) as client:
        stream = client.stream(frames, LABELS, rules=RULES, on_started=starts.append)
        async with aclosing(stream):
            while len(items) < count or not starts:
                items.append(await anext(stream))
    if count == 0:
        items.clear()
    point = items[-1].resume_point if items else starts[0].resume_point
    assert point is not None
    return items, point


def test_a_blocking_client_resumes(server: ServerProcess, frames: list[Frame]) -> None:
    with FramewatchClient(server.address) as client:
        stream = client.stream(frames, LABELS, rules=RULES)
        items = list(islice(stream, 9))
        stream.close()
    point = items[-1].resume_point
    assert point is not None
    assert point.last_frame_id is not None
    starts: list[StreamStarted] = []
    with FramewatchClient(server.address) as client:
        rest = frames[point.last_frame_id + 1 :]
        items += client.stream(rest, LABELS, rules=RULES, resume=ResumePoint(**asdict(point)), on_started=starts.append)
        assert comparable(items) == comparable(list(client.stream(frames, LABELS, rules=RULES)))
    assert starts[0].resumed


async def test_a_resumed_stream_continues_the_frame_numbers(server: ServerProcess, frames: list[Frame]) -> None:
    items, point = await watch_some(server.address, frames, 5)
    rest = await watch(server.address, [replace(each, frame_id=None) for each in frames[3:]], resume=point)
    ids = [item.frame_id for item in items + rest if isinstance(item, FrameResult)]
    assert ids == list(range(len(ids)))


async def test_configs_apply_to_the_same_frames_after_a_lost_connection(
    server: ServerProcess, frames: list[Frame]
) -> None:
    box_only = Reconfigure(LABELS, RULES[:1])
    later = Reconfigure([*LABELS, "a dog"], ["box:0.8:0.5", "a dog:0.9"])
    items = [*frames[:5], box_only, *frames[5:9], later, box_only, *frames[9:13], later, *frames[13:]]
    expected = comparable(await watch(server.address, items))
    assert {row[3] for row in expected if len(row) == 5} == {1, 2, 4, 5}
    for count in range(1, len(expected) + 2, 2):
        async with LossyProxy(server.address, [count, 4]) as address:
            assert comparable(await watch(address, items)) == expected, count


@pytest.mark.parametrize("drain_timeout_s", [0.0, 5.0], ids=["killed", "drained"])
async def test_a_server_that_lost_the_state_starts_anew_and_reports_it(
    frames: list[Frame], expected: list[Any], drain_timeout_s: float
) -> None:
    settings: dict[str, Any] = {"models": ("demo",), "engine": "torch", "drain_timeout_s": drain_timeout_s}
    reconnects: list[Reconnected] = []
    items: list[Item] = []
    async with AsyncExitStack() as servers:
        first = ServerApp(ServerConfig(listen="127.0.0.1:0", **settings))
        await first.__aenter__()
        client = await servers.enter_async_context(AsyncFramewatchClient(first.address))
        stream = client.stream(frames, LABELS, rules=RULES, window=2, on_reconnect=reconnects.append)
        async for item in stream:
            items.append(item)
            if len(items) == 7:  # the first box has entered
                await first.__aexit__()
                await servers.enter_async_context(ServerApp(ServerConfig(listen=first.address, **settings)))
    assert [each.started.resumed for each in reconnects] == [False]
    assert [item.frame_id for item in items if isinstance(item, FrameResult)] == list(range(16))
    ids = [item.event_id for item in items if isinstance(item, Event)]
    assert len(set(ids)) == len(ids)
    assert len({each.rpartition("-")[0] for each in ids}) == 2


async def test_a_server_that_does_not_come_back_ends_the_stream_with_an_error(frames: list[Frame]) -> None:
    app = ServerApp(ServerConfig(models=("demo",), engine="torch", listen="127.0.0.1:0", drain_timeout_s=0.0))
    await app.__aenter__()
    async with AsyncFramewatchClient(app.address) as client:
        stream = client.stream(frames, LABELS, window=1, reconnect_timeout_s=0.05)
        await anext(stream)
        await app.__aexit__()
        with pytest.raises(ServerUnreachableError, match=r"did not come back within 0\.05 s"):
            [item async for item in stream]


# The protocol, for clients in other languages


async def answers(stub: pb_grpc.ZeroShotServiceAsyncStub, *requests: pb.StreamFramesRequest) -> list[Any]:
    return [response async for response in stub.StreamFrames(iter(requests))]


def resume(token: str, **fields: Any) -> pb.StreamFramesRequest:
    return config(resume=pb.Resume(token=token, **fields))


async def test_a_token_resumes_once_and_an_unknown_one_starts_anew(make_server: MakeServer) -> None:
    stub = await make_server(resume_lifetime_s=7.5)
    first, *_ = await answers(stub, config(), frame(1, time_s=1))
    token = first.started.resume_token
    assert not first.started.resumed
    assert first.started.resume_lifetime.ToMilliseconds() == 7500
    again, result = await answers(stub, resume(token, last_frame_id=1), frame(1, time_s=2))
    assert again.started.resumed
    assert again.started.config_version == 1
    assert again.started.resume_token not in {"", token}
    assert result.result.error.reason == pb.FRAME_ERROR_REASON_OUT_OF_ORDER
    for unknown in (token, "", "nonsense"):
        anew, result = await answers(stub, resume(unknown, last_frame_id=1), frame(1, time_s=2))
        assert not anew.started.resumed
        assert result.result.HasField("scores")


async def test_a_lifetime_of_zero_keeps_no_state(make_server: MakeServer) -> None:
    stub = await make_server(resume_lifetime_s=0.0)
    (first,) = await answers(stub, config())
    (second,) = await answers(stub, resume(first.started.resume_token))
    assert not second.started.resumed


async def test_a_stream_that_still_runs_is_taken_over(make_server: MakeServer) -> None:
    stub = await make_server()
    old = stub.StreamFrames()
    await old.write(config())
    token = (await old.read()).started.resume_token
    await old.write(frame(1))
    assert (await old.read()).result.frame_id == 1
    new = stub.StreamFrames()
    await new.write(resume(token, last_frame_id=1))
    assert (await new.read()).started.resumed
    with pytest.raises(grpc.RpcError) as caught:
        await old.read()
    error = error_details(caught.value)
    assert (error.code, error.reason) == ("ABORTED", "STREAM_TAKEN_OVER")
    await new.write(frame(2))
    assert (await new.read()).result.frame_id == 2
    new.cancel()


async def test_arrival_times_of_a_resumed_stream_continue(make_server: MakeServer) -> None:
    stub = await make_server()
    started, first = await answers(stub, config(), frame(1))
    token = started.started.resume_token
    _, second = await answers(stub, resume(token, last_frame_id=1), frame(2))
    assert second.result.time_offset.ToNanoseconds() > first.result.time_offset.ToNanoseconds()


async def test_another_model_is_refused_and_the_state_stays(make_server: MakeServer) -> None:
    stub = await make_server()
    (first,) = await answers(stub, config())
    # the server has one model, so the kept state is changed to one of another model
    ended = stub.app._service._stream_surroundings.resumable._answered
    ((token, kept),) = ended.items()
    ended[token] = kept = replace(kept, ticket=replace(kept.ticket, model="other"))
    with pytest.raises(grpc.RpcError) as caught:
        await answers(stub, resume(first.started.resume_token))
    error = error_details(caught.value)
    assert (error.code, error.reason, error.field) == ("INVALID_ARGUMENT", "INVALID_FIELD", "config.model")
    assert ended == {token: kept}


async def test_concurrent_lossy_streams_keep_their_own_results(
    server: ServerProcess, frames: list[Frame], expected: list[Any]
) -> None:
    async def lossy(number: int) -> list[Any]:
        async with LossyProxy(server.address, [number + 2, number + 5, 3]) as address:
            items = await watch(address, frames)
        return [comparable(items), {item.event_id for item in items if isinstance(item, Event)}]

    received = await asyncio.gather(*(lossy(number) for number in range(8)))
    assert all(items == expected for items, _ in received)
    assert len(set.union(*(ids for _, ids in received))) == sum(len(ids) for _, ids in received)
