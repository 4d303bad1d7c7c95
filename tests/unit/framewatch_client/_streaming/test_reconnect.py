"""Reconnects of a stream against a fake server: causes, requests that are sent again, and the end of the attempts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from itertools import pairwise

import grpc
import numpy as np
import pytest
from grpc_status import rpc_status

from framewatch.v1 import framewatch_pb2 as pb
from framewatch_client import (
    AsyncFramewatchClient,
    ClientClosed,
    Event,
    Frame,
    FrameResult,
    FramewatchCallError,
    Reconfigure,
    Reconnected,
    ResumePoint,
    ServerUnreachableError,
    StreamStarted,
)
from framewatch_client._call_errors import call_error
from framewatch_client._streaming.outbox import Outbox
from framewatch_client._streaming.reconnect import Attempts, Backoff, is_temporary
from tests.unit.framewatch_client.fake_server import LossyService, fault

LABELS = ["a box", "an empty belt"]
GREY = np.full((8, 8), 128, dtype=np.uint8)
DRAINING = fault(grpc.StatusCode.UNAVAILABLE, "SERVER_DRAINING", "draining")


@pytest.fixture(autouse=True)
def no_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("framewatch_client.aio._BACKOFF", Backoff(0.001, 0.001))


@pytest.fixture
async def client(address: str) -> AsyncIterator[AsyncFramewatchClient]:
    async with AsyncFramewatchClient(address) as client:
        yield client


@pytest.fixture
def service() -> LossyService:
    return LossyService()


def resumes(service: LossyService) -> list[tuple[str, int | None, str] | None]:
    firsts = [call[0].config for call in service.calls_of_frames]
    return [
        (
            each.resume.token,
            each.resume.last_frame_id if each.resume.HasField("last_frame_id") else None,
            each.resume.last_event_id,
        )
        if each.HasField("resume")
        else None
        for each in firsts
    ]


def frame_ids(service: LossyService) -> list[list[int]]:
    return [[r.frame.frame_id for r in call if r.HasField("frame")] for call in service.calls_of_frames]


async def test_it_resumes_with_the_token_and_sends_frames_without_a_result_again(
    client: AsyncFramewatchClient, service: LossyService
) -> None:
    service.losses = [(3, DRAINING), (-1, DRAINING), (-1, DRAINING), (2, DRAINING)]
    starts: list[StreamStarted] = []
    back: list[Reconnected] = []
    stream = client.stream([GREY] * 9, LABELS, on_started=starts.append, on_reconnect=back.append)
    items = [item async for item in stream]
    assert [item.frame_id for item in items] == list(range(9))
    assert resumes(service) == [None, *[("token 1", 2, "")] * 3, ("token 4", 4, "")]
    assert [ids[:1] for ids in frame_ids(service)] == [[0], [], [], [3], [5]]
    assert all(b == a + 1 for ids in frame_ids(service) for a, b in pairwise(ids))
    assert len(starts) == 1
    assert [(each.error.reason, each.started.resumed, each.lost_s > 0) for each in back] == [
        ("SERVER_DRAINING", True, True)
    ] * 2
    assert [item.resume_point.token for item in items if item.resume_point] == [
        *["token 1"] * 3, *["token 4"] * 2, *["token 5"] * 4,
    ]  # fmt: skip


async def test_the_config_in_force_is_sent_again(client: AsyncFramewatchClient, service: LossyService) -> None:
    service.losses = [(3, DRAINING), (1, DRAINING)]
    items = [GREY, Reconfigure(["b", "c"]), GREY, Reconfigure(["d", "e"]), GREY, GREY, Reconfigure(["f", "g"]), GREY]
    results = [item async for item in client.stream(items, LABELS, window=1)]
    firsts = [[label.name for label in call[0].config.label_set.labels] for call in service.calls_of_frames]
    assert firsts == [LABELS, ["d", "e"], ["d", "e"]]
    assert [item.config_version for item in results if isinstance(item, FrameResult)] == [1, 2, 3, 3, 4]


async def test_the_last_event_is_sent_even_if_its_kind_is_unknown(
    client: AsyncFramewatchClient, service: LossyService
) -> None:
    service.extra = [pb.StreamFramesResponse(event=pb.Event(kind=99, event_id="e-7"))]  # type: ignore[arg-type]
    service.losses = [(1, DRAINING)]
    items = [item async for item in client.stream([GREY] * 3, LABELS)]
    assert not any(isinstance(item, Event) for item in items)
    assert resumes(service) == [None, ("token 1", 0, "e-7")]


async def test_a_stream_that_starts_anew_has_events_of_its_own(
    client: AsyncFramewatchClient, service: LossyService
) -> None:
    service.extra = [pb.StreamFramesResponse(event=pb.Event(kind=pb.EVENT_KIND_ENTERED, event_id="e-7"))]
    service.losses = [(1, DRAINING)]
    service.resumed = False
    back: list[Reconnected] = []
    stream = client.stream([GREY] * 3, LABELS, on_reconnect=lambda each: (back.append(each), service.extra.clear()))
    await anext(stream)
    service.extra = []
    items = [item async for item in stream]
    assert [each.started.resumed for each in back] == [False]
    assert items[-1].resume_point == ResumePoint("token 2", 2, "")


@pytest.mark.parametrize("timeout_s", [0, None])
async def test_it_does_not_reconnect_without_a_timeout(
    client: AsyncFramewatchClient, service: LossyService, timeout_s: float | None
) -> None:
    service.losses = [(1, DRAINING)]
    with pytest.raises(FramewatchCallError, match="SERVER_DRAINING"):
        [item async for item in client.stream([GREY] * 3, LABELS, reconnect_timeout_s=timeout_s)]
    assert len(service.calls_of_frames) == 1


@pytest.mark.parametrize(
    "code", [grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.ABORTED, grpc.StatusCode.INTERNAL], ids=lambda c: c.name
)
async def test_other_errors_are_not_tried_again(
    client: AsyncFramewatchClient, service: LossyService, code: grpc.StatusCode
) -> None:
    service.losses = [(1, fault(code, "WHATEVER", "no"))]
    with pytest.raises(FramewatchCallError, match="WHATEVER"):
        [item async for item in client.stream([GREY] * 3, LABELS)]
    assert len(service.calls_of_frames) == 1


async def test_a_stream_that_never_started_is_not_tried_again(
    client: AsyncFramewatchClient, service: LossyService
) -> None:
    service.losses = [(-1, DRAINING)]
    with pytest.raises(FramewatchCallError, match="SERVER_DRAINING"):
        [item async for item in client.stream([GREY], LABELS)]
    assert len(service.calls_of_frames) == 1


async def test_a_refusal_of_the_new_call_ends_the_stream(client: AsyncFramewatchClient, service: LossyService) -> None:
    service.losses = [(1, DRAINING), (0, fault(grpc.StatusCode.NOT_FOUND, "MODEL_NOT_FOUND", "gone"))]
    with pytest.raises(FramewatchCallError, match="MODEL_NOT_FOUND"):
        [item async for item in client.stream([GREY] * 3, LABELS)]


async def test_a_server_that_takes_every_stream_and_ends_it_at_once_is_given_up(
    client: AsyncFramewatchClient, service: LossyService
) -> None:
    service.losses = [(1, DRAINING), *[(0, DRAINING)] * 100_000]
    with pytest.raises(ServerUnreachableError, match=r"did not come back within 0\.1 s.*without a result"):
        [item async for item in client.stream([GREY] * 3, LABELS, reconnect_timeout_s=0.1)]
    assert len(service.calls_of_frames) > 2


@pytest.mark.parametrize("answer", ["warnings", "events", "explanations"])
async def test_only_a_result_ends_the_attempts(
    client: AsyncFramewatchClient, service: LossyService, answer: str
) -> None:
    match answer:
        case "warnings":
            service.warnings = [pb.Warning(reason="TEXT_TRUNCATED", message="a text was truncated")]
        case "events":
            service.extra = [pb.StreamFramesResponse(event=pb.Event(kind=pb.EVENT_KIND_ENTERED, event_id="e"))]
        case _:
            service.extra = [pb.StreamFramesResponse(explanation=pb.Explanation())]
    service.losses = [(1, DRAINING), *[(0, DRAINING)] * 100_000]
    with pytest.raises(ServerUnreachableError, match=r"did not come back within 0\.1 s"):
        [item async for item in client.stream([GREY] * 3, LABELS, reconnect_timeout_s=0.1)]


def test_attempts_wait_longer_until_one_succeeds() -> None:
    attempts = Attempts(Backoff(1e6, 1e12))
    waits_s = [attempts.next_wait_s() for _ in range(20)]
    assert max(waits_s[10:]) > 1e6
    attempts.lost_s += 7
    attempts.succeed()
    assert attempts.lost_s == 0
    assert attempts.next_wait_s() <= 1e6


async def test_closing_the_client_ends_a_stream_that_is_trying(
    client: AsyncFramewatchClient, service: LossyService, monkeypatch: pytest.MonkeyPatch
) -> None:
    trying, go_on = asyncio.Event(), asyncio.Event()

    async def wait(_: float) -> None:
        trying.set()
        await go_on.wait()

    service.losses = [(1, DRAINING)]
    stream = client.stream([GREY] * 3, LABELS)
    await anext(stream)
    monkeypatch.setattr("framewatch_client._streaming.link.sleep", wait)
    step = asyncio.ensure_future(anext(stream))
    await trying.wait()
    await client.aclose()
    go_on.set()
    with pytest.raises(ClientClosed, match="client was closed"):
        await step


async def test_a_stream_resumes_from_another_process(client: AsyncFramewatchClient, service: LossyService) -> None:
    starts: list[StreamStarted] = []
    point = ResumePoint("old", 41, "e-3")
    stream = client.stream([GREY, GREY], LABELS, resume=point, on_started=starts.append)
    assert [item.frame_id async for item in stream] == [42, 43]
    assert resumes(service) == [("old", 41, "e-3")]
    assert (starts[0].resumed, starts[0].resume_point) == (True, ResumePoint("token 1", 41, "e-3"))


async def test_frames_keep_their_own_numbers(client: AsyncFramewatchClient, service: LossyService) -> None:
    stream = client.stream([Frame(GREY, frame_id=7), GREY], LABELS, resume=ResumePoint("old", 5))
    assert [item.frame_id async for item in stream] == [7, 8]


@pytest.mark.parametrize(
    ("code", "details", "status", "expected"),
    [
        (grpc.StatusCode.UNAVAILABLE, "Socket closed", False, (True, True)),
        (grpc.StatusCode.UNAVAILABLE, "draining", True, (True, True)),
        (grpc.StatusCode.CANCELLED, "Stream removed (RST_STREAM (…error code 8))", False, (True, True)),
        (grpc.StatusCode.INTERNAL, "Received RST_STREAM with error code 2", False, (True, True)),
        (grpc.StatusCode.UNKNOWN, "Stream removed", False, (True, True)),
        (grpc.StatusCode.INTERNAL, "Internal error from Core", False, (True, True)),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, "streams at once", True, (False, True)),
        (grpc.StatusCode.DEADLINE_EXCEEDED, "", False, (False, True)),
        (grpc.StatusCode.INTERNAL, "failed", True, (False, False)),
        (grpc.StatusCode.CANCELLED, "", False, (False, False)),
        (grpc.StatusCode.INVALID_ARGUMENT, "no", True, (False, False)),
    ],
)
def test_errors_that_are_temporary(
    code: grpc.StatusCode, details: str, status: bool, expected: tuple[bool, bool]
) -> None:
    trailing = rpc_status.to_status(fault(code, "REASON", details)).trailing_metadata if status else ()
    raised = grpc.aio.AioRpcError(code, grpc.aio.Metadata(), grpc.aio.Metadata(*trailing), details=details)
    error = call_error(raised, "host:1", connected=True)
    assert (error.transient, is_temporary(error)) == expected


def test_waits_grow_to_their_limit() -> None:
    backoff = Backoff(0.5, 4)
    longest = [max(backoff.wait_s(attempt) for _ in range(500)) for attempt in (0, 1, 2, 3, 4, 5000)]
    for wait_s, limit_s in zip(longest, [0.5, 1, 2, 4, 4, 4], strict=True):
        assert 0.9 * limit_s < wait_s <= limit_s
    assert min(backoff.wait_s(9) for _ in range(500)) < 0.4


def sent(**request: object) -> pb.StreamFramesRequest:
    return pb.StreamFramesRequest(**request)  # type: ignore[arg-type]


async def test_outbox_begins_again_at_the_first_request_without_an_answer() -> None:
    outbox = Outbox(pb.StreamConfig(model="a"))
    requests = [
        sent(frame=pb.Frame(frame_id=1)),
        sent(config=pb.StreamConfig(model="b")),
        sent(frame=pb.Frame(frame_id=2)),
        sent(frame=pb.Frame(frame_id=3)),
    ]
    for request in requests:
        outbox.add(request)
    assert [await outbox.next() for _ in range(3)] == requests[:3]
    assert outbox.answer()
    assert await outbox.next() == requests[3]
    assert outbox.first_request(None).config.model == "a"
    assert [await outbox.next() for _ in range(3)] == requests[1:]
    assert outbox.answer()
    assert (outbox.config_version, outbox.frame_count) == (2, 1)
    assert outbox.first_request(ResumePoint("t")).config == pb.StreamConfig(model="b", resume=pb.Resume(token="t"))
    outbox.close()
    assert [await outbox.next(), await outbox.next()] == [requests[3], None]
    assert outbox.answer()
    assert not outbox.answer()


async def test_outbox_waits_for_more() -> None:
    outbox = Outbox(pb.StreamConfig())
    waiting = asyncio.ensure_future(outbox.next())
    await asyncio.sleep(0)
    assert not waiting.done()
    request = sent(frame=pb.Frame(frame_id=1))
    outbox.add(request)
    assert await waiting is request
    waiting = asyncio.ensure_future(outbox.next())
    await asyncio.sleep(0)
    outbox.close()
    assert await waiting is None
