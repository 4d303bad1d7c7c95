"""A stream's window, ends and faults, against a fake server."""

from __future__ import annotations

import asyncio
import concurrent.futures
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from datetime import UTC, datetime

import cv2
import grpc
import numpy as np
import pytest

from framewatch.v1 import framewatch_pb2 as pb
from framewatch_client import (
    AsyncFramewatchClient,
    ClientClosed,
    Event,
    EventKind,
    Frame,
    FrameErrorReason,
    FrameResult,
    FrameStatus,
    FramewatchCallError,
    OverflowPolicy,
    Reconfigure,
    ServerUnreachableError,
    SourceError,
    StreamStarted,
)
from framewatch_client._channel import MAX_UNREAD_BYTES
from framewatch_core.errors import ImageTooLarge, InvalidRule
from tests.unit.framewatch_client.fake_server import Context, FakeService, Requests, fault, start

LABELS = ["a box", "an empty belt"]
GREY = np.full((8, 8), 128, dtype=np.uint8)


@pytest.fixture
async def client(address: str) -> AsyncIterator[AsyncFramewatchClient]:
    async with AsyncFramewatchClient(address) as client:
        yield client


class Recorder:
    """A source that counts the frames that were taken from it, and notes that it was closed."""

    def __init__(self, frame_count: int) -> None:
        self.frame_count = frame_count
        self.taken = 0
        self.answered = 0
        self.most_ahead = 0
        self.closed = threading.Event()
        self.reader = ""

    def __iter__(self) -> Iterator[np.ndarray]:
        try:
            for _ in range(self.frame_count):
                self.taken += 1
                self.most_ahead = max(self.most_ahead, self.taken - self.answered)
                self.reader = threading.current_thread().name
                yield GREY
        finally:
            self.closed.set()


async def collect(
    items: AsyncIterator[FrameResult | Event],
) -> tuple[list[FrameResult | Event], FramewatchCallError | None]:
    """Returns all items, and the error at their end."""
    received: list[FrameResult | Event] = []
    try:
        async for item in items:
            received.append(item)  # noqa: PERF401  items before the error are compared too
    except FramewatchCallError as error:
        return received, error
    return received, None


async def test_every_frame_has_its_result_in_order(client: AsyncFramewatchClient, service: FakeService) -> None:
    frames = ((GREY, n / 10) for n in range(20))
    results = [item async for item in client.stream(frames, LABELS)]
    assert [(item.frame_id, item.time_s) for item in results if isinstance(item, FrameResult)] == [
        (n, n / 10) for n in range(20)
    ]
    first = results[0]
    assert isinstance(first, FrameResult)
    assert first.status is FrameStatus.SCORED
    assert first.best is not None
    assert first.best.label == "a box"
    assert [frame.time_offset.ToNanoseconds() for frame in service.frames] == [n * 100_000_000 for n in range(20)]


@pytest.mark.parametrize(
    ("server_count", "window", "expected"),
    [(3, None, 3), (8, 2, 2), (2, 8, 2), (0, None, 8), (1, None, 1)],
    ids=["server's", "own is smaller", "server's is smaller", "no limit of the server's", "one"],
)
async def test_no_more_than_the_window_is_unanswered(
    client: AsyncFramewatchClient, service: FakeService, server_count: int, window: int | None, expected: int
) -> None:
    service.started.in_flight_frame_count = server_count
    service.hold = expected  # it answers only when the window is full: less would be a stall
    source = Recorder(25)
    async for _ in client.stream(source, LABELS, window=window):
        source.answered += 1
    assert (source.answered, source.most_ahead) == (25, expected)
    assert source.reader == "framewatch-feed"


async def test_config_goes_first_with_all_options(client: AsyncFramewatchClient, service: FakeService) -> None:
    starts: list[StreamStarted] = []
    stream = client.stream(
        [GREY],
        LABELS,
        rules=["a box:0.8:0.5:0.3"],
        templates=["{label}!"],
        overflow=OverflowPolicy.DROP_OLDEST,
        top_count=1,
        max_frame_rate=7.5,
        max_frame_gap_s=2.5,
        origin_time=datetime(2026, 1, 2, 3, 4, 5, 600, tzinfo=UTC),
        model="m",
        change_threshold=0.25,
        max_reuse_age_s=4.5,
        on_started=starts.append,
    )
    assert len([item async for item in stream]) == 1
    (config,) = service.configs
    assert (starts[0].model, starts[0].useful_short_side) == ("fake", 16)
    assert [label.name for label in config.label_set.labels] == LABELS
    assert config.label_set.templates.templates == ["{label}!"]
    (rule,) = config.rules
    assert (rule.label, rule.enter_at, rule.exit_below) == ("a box", pytest.approx(0.8), 0.5)
    assert rule.min_present.ToMilliseconds() == 300
    assert rule.min_absent.ToMilliseconds() == 300, "the default"
    assert config.overflow_policy == pb.OVERFLOW_POLICY_DROP_OLDEST
    assert (config.top_count, config.max_frame_rate, config.model) == (1, 7.5, "m")
    assert config.max_frame_gap.ToMilliseconds() == 2500
    assert config.origin_time.ToMicroseconds() == 1767323045000600
    assert (config.reuse.change_threshold, config.reuse.max_age.ToMilliseconds()) == (0.25, 4500)


async def test_defaults_are_left_to_the_server(client: AsyncFramewatchClient, service: FakeService) -> None:
    assert len([item async for item in client.stream([GREY], LABELS)]) == 1
    (config,) = service.configs
    assert not any(map(config.HasField, ("max_frame_rate", "max_frame_gap", "origin_time", "reuse")))


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, (16, 24)),
        ({"downscale": False}, (48, 72)),
        ({"jpeg_quality": None}, (16, 24)),
    ],
    ids=["jpeg, shrunk", "jpeg, as it is", "raw, shrunk"],
)
async def test_frames_are_shrunk_to_the_servers_size(
    client: AsyncFramewatchClient, service: FakeService, options: dict[str, object], expected: tuple[int, int]
) -> None:
    await collect(client.stream([np.zeros((48, 72, 3), np.uint8)], LABELS, **options))  # type: ignore[arg-type]
    image = service.frames[0].image
    if "jpeg_quality" in options:
        assert (image.raw.height, image.raw.width) == expected
    else:
        decoded = cv2.imdecode(np.frombuffer(image.encoded, np.uint8), cv2.IMREAD_COLOR)
        assert decoded.shape[:2] == expected


async def test_new_config_among_the_frames(client: AsyncFramewatchClient, service: FakeService) -> None:
    items = [GREY, Reconfigure(["a dog", "a cat"], rules=["a dog:0.7"]), GREY]
    results = [item async for item in client.stream(items, LABELS, top_count=1, window=1)]
    assert [item.config_version for item in results if isinstance(item, FrameResult)] == [1, 2]
    assert [label.name for label in service.configs[1].label_set.labels] == ["a dog", "a cat"]
    assert service.configs[1].rules[0].label == "a dog"
    assert service.configs[1].top_count == 1


async def test_frame_numbers_of_its_own(client: AsyncFramewatchClient) -> None:
    frames = [Frame(GREY, frame_id=5), Frame(GREY), Frame(GREY, frame_id=9)]
    assert [item.frame_id async for item in client.stream(frames, LABELS)] == [5, 6, 9]


async def test_async_source(client: AsyncFramewatchClient) -> None:
    async def frames() -> AsyncIterator[np.ndarray]:
        for _ in range(3):
            yield GREY

    assert len([item async for item in client.stream(frames(), LABELS)]) == 3


async def test_a_broken_frame_fails_and_the_stream_goes_on(client: AsyncFramewatchClient) -> None:
    results = [item async for item in client.stream([GREY, b"broken", GREY], LABELS)]
    assert [item.status for item in results if isinstance(item, FrameResult)] == [
        FrameStatus.SCORED,
        FrameStatus.FAILED,
        FrameStatus.SCORED,
    ]
    failed = results[1]
    assert isinstance(failed, FrameResult)
    assert failed.error is not None
    assert failed.error.reason is FrameErrorReason.UNDECODABLE_IMAGE


async def test_unknown_cases_and_kinds_are_ignored(client: AsyncFramewatchClient, service: FakeService) -> None:
    later = pb.StreamFramesResponse()
    later.MergeFromString(b"\x7a\x00")  # field 15, a message
    service.extra = [
        later,
        pb.StreamFramesResponse(event=pb.Event(kind=99)),  # type: ignore[arg-type]
        pb.StreamFramesResponse(event=pb.Event(kind=pb.EVENT_KIND_ENTERED, label="a box")),
    ]
    items = [item async for item in client.stream([GREY], LABELS)]
    assert [item.kind for item in items if isinstance(item, Event)] == [EventKind.ENTERED]
    assert len(items) == 2


async def test_error_comes_after_the_results_before_it(client: AsyncFramewatchClient, service: FakeService) -> None:
    service.fail_after = 3
    service.fault = fault(grpc.StatusCode.INVALID_ARGUMENT, "INVALID_RULE", "no such label", "rules[0].label")
    items, error = await collect(client.stream(Recorder(1000), LABELS))
    assert len(items) == 3
    assert isinstance(error, FramewatchCallError)
    assert (error.code, error.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_RULE")
    assert error.fields == {"rules[0].label": "no such label"}


async def test_an_end_before_all_results_is_no_success(client: AsyncFramewatchClient, service: FakeService) -> None:
    service.fail_after = 3
    items, error = await collect(client.stream(Recorder(1000), LABELS))
    assert len(items) == 3
    assert isinstance(error, FramewatchCallError)
    assert error.reason == "STREAM_ENDED_EARLY"


async def test_fault_of_the_source_reaches_the_caller(client: AsyncFramewatchClient, service: FakeService) -> None:
    def frames() -> Iterator[np.ndarray]:
        yield from [GREY] * 3
        raise OSError("the camera fell down")

    service.hold = 4  # results come when the client has closed its side
    stream = client.stream(frames(), LABELS)
    assert [(await anext(stream)).frame_id for _ in range(3)] == [0, 1, 2]
    with pytest.raises(OSError, match="fell down"):
        await anext(stream)
    await asyncio.to_thread(service.ended.wait)


async def test_fault_of_an_async_source_reaches_the_caller(client: AsyncFramewatchClient) -> None:
    async def frames() -> AsyncIterator[np.ndarray]:
        yield GREY
        raise OSError("the camera fell down")

    with pytest.raises(OSError, match="fell down"):
        async for _ in client.stream(frames(), LABELS):
            pass


@pytest.mark.parametrize("kind", [asyncio.CancelledError, concurrent.futures.CancelledError])
@pytest.mark.parametrize("is_async", [False, True], ids=["plain", "asynchronous"])
async def test_a_source_whose_own_work_was_cancelled_ends_the_stream_with_an_error(
    client: AsyncFramewatchClient, kind: type[BaseException], is_async: bool
) -> None:
    """The source may wait for a future of its own pool: nobody has cancelled the stream."""

    class Plain:
        def __init__(self) -> None:
            self.left = 2

        def __iter__(self) -> Plain:
            return self

        def __next__(self) -> np.ndarray:
            self.left -= 1
            if self.left < 0:
                raise kind
            return GREY

    async def asynchronous() -> AsyncIterator[np.ndarray]:
        for item in Plain():
            yield item

    received = 0
    with pytest.raises((SourceError, concurrent.futures.CancelledError)):
        async for _ in client.stream(asynchronous() if is_async else Plain(), LABELS):
            received += 1
    assert received == 2


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        (np.zeros((4, 4), np.float32), TypeError),
        (object(), TypeError),
        ("no-such-file.png", FileNotFoundError),
        (b"x" * 1_000_001, ImageTooLarge),
    ],
    ids=["floats", "no image", "missing file", "more bytes than the server takes"],
)
async def test_an_invalid_image_ends_the_stream_here(
    client: AsyncFramewatchClient, image: object, expected: type[Exception]
) -> None:
    with pytest.raises(expected):
        async for _ in client.stream([image], LABELS):  # type: ignore[list-item]
            pass


async def test_closed_early_it_releases_everything(client: AsyncFramewatchClient, service: FakeService) -> None:
    source = Recorder(1000)
    async with aclosing(client.stream(source, LABELS)) as items:
        await anext(items)
    assert source.closed.is_set()
    await asyncio.to_thread(service.ended.wait)


async def test_cancelled_it_releases_everything(client: AsyncFramewatchClient, service: FakeService) -> None:
    service.hold = 1000  # no result ever comes
    source = Recorder(1000)

    async def consume() -> None:
        async for _ in client.stream(source, LABELS):
            pass

    task = asyncio.create_task(consume())
    await asyncio.to_thread(service.waiting.wait)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert source.closed.is_set()
    await asyncio.to_thread(service.ended.wait)


async def test_cancelled_while_the_source_blocks(client: AsyncFramewatchClient, service: FakeService) -> None:
    reading, go_on = threading.Event(), threading.Event()

    def frames() -> Iterator[np.ndarray]:
        yield GREY
        reading.set()
        go_on.wait()
        yield GREY

    async def consume() -> None:
        async for _ in client.stream(frames(), LABELS):
            pass

    task = asyncio.create_task(consume())
    await asyncio.to_thread(reading.wait)
    task.cancel()
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.to_thread(service.ended.wait)


async def test_closing_the_client_ends_its_streams(address: str, service: FakeService) -> None:
    client = AsyncFramewatchClient(address)
    service.hold = 1000
    stream = client.stream(Recorder(1000), LABELS)
    step = asyncio.ensure_future(anext(stream))
    await asyncio.to_thread(service.waiting.wait)
    await client.aclose()
    with pytest.raises(ClientClosed, match="client was closed"):
        await step


async def test_no_server() -> None:
    async with AsyncFramewatchClient("127.0.0.1:1") as client:
        with pytest.raises(ServerUnreachableError, match=r"127\.0\.0\.1:1"):
            await anext(client.stream([GREY], LABELS))


async def test_server_that_does_not_accept_the_stream(address: str, service: FakeService) -> None:
    service.silent = True
    async with AsyncFramewatchClient(address, timeout_s=0.05) as client:
        with pytest.raises(FramewatchCallError) as caught:
            await anext(client.stream([GREY], LABELS))
    assert caught.value.code is grpc.StatusCode.DEADLINE_EXCEEDED


@pytest.mark.parametrize(
    ("frames", "options", "expected"),
    [
        ("video.mp4", {}, TypeError),
        (GREY, {}, TypeError),
        (7, {}, TypeError),
        ([], {"window": 0}, ValueError),
        ([], {"jpeg_quality": 101}, ValueError),
        ([], {"rules": ["a fish:0.5"]}, InvalidRule),
        ([], {"rules": ["0.5"]}, ValueError),
        ([], {"origin_time": datetime(2026, 1, 1)}, ValueError),  # noqa: DTZ001
    ],
    ids=["a path", "one array", "a number", "window", "quality", "rule's label", "rule's text", "no time zone"],
)
async def test_invalid_arguments_are_refused_at_once(
    client: AsyncFramewatchClient, frames: object, options: dict[str, object], expected: type[Exception]
) -> None:
    with pytest.raises(expected):
        client.stream(frames, LABELS, **options)  # type: ignore[arg-type]


class FloodingService(FakeService):
    """A service that sends events without end, as fast as they are taken."""

    event = pb.StreamFramesResponse(event=pb.Event(kind=pb.EVENT_KIND_ENTERED, event_id="x" * 100_000))

    def __init__(self) -> None:
        super().__init__()
        self.sent_count = 0

    async def StreamFrames(self, requests: Requests, context: Context) -> AsyncIterator[pb.StreamFramesResponse]:  # noqa: N802
        del context
        async for request in requests:
            for response in self._accept(request.config):
                yield response
            while True:
                self.sent_count += 1
                yield self.event


async def test_results_that_nobody_reads_stay_on_the_server() -> None:
    service = FloodingService()
    server, address = await start(service)
    async with AsyncFramewatchClient(address) as client:
        stream = client.stream(Recorder(1), LABELS)
        for _ in range(1000):  # gRPC learns that this client is fast
            await anext(stream)
        before = -1
        while before != service.sent_count:
            before = service.sent_count
            for _ in range(300):
                await asyncio.to_thread(lambda: None)
        assert (service.sent_count - 1000) * service.event.ByteSize() < 3 * MAX_UNREAD_BYTES
        await stream.aclose()
    await server.stop(None)
