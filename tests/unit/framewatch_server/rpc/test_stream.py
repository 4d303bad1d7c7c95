"""The shell of a stream, with a scorer whose device is the test."""

from __future__ import annotations

import asyncio
import gc
import time
import weakref
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import aclosing
from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest

from framewatch.v1 import framewatch_pb2 as pb
from framewatch_core.errors import FramewatchError, MissingField, ServerDraining, StreamTakenOver
from framewatch_core.labels.labels import Label, LabelSet
from framewatch_core.labels.scoring import LabelScore
from framewatch_core.limits import ByteAccount
from framewatch_core.stream.queueing import Lane
from framewatch_core.stream.results import Timings
from framewatch_core.stream.session import SessionLimits
from framewatch_core.stream.shares import StreamShares
from framewatch_server.engine.jobs import Embedded, Job
from framewatch_server.engine.resume import ResumableStreams
from framewatch_server.engine.scorer import Scorer
from framewatch_server.rpc import stream
from framewatch_server.rpc.large_frames import ScoreThread
from framewatch_server.rpc.reading.requests import RequestReader
from framewatch_server.rpc.stream import StreamShell, StreamSurroundings

EMPTY_IMAGE = pb.StreamFramesRequest(frame=pb.Frame(frame_id=1, image=pb.Image())).SerializeToString()
FRAME = pb.StreamFramesRequest(frame=pb.Frame(frame_id=1, image=pb.Image(encoded=b"x"))).SerializeToString()
NOTHING = b""


class FakeScorer:
    """A scorer that finishes each frame's job at once, with `result`."""

    info = SimpleNamespace(name="m", weights_digest="")
    useful_short_side = 1

    def __init__(self, result: Embedded | Exception) -> None:
        self.result = result

    async def label_vectors(self, _: LabelSet, **__: object) -> tuple[None, tuple[()]]:
        return None, ()

    def scores(self, *_: object) -> tuple[tuple[LabelScore, ...], ...]:
        return ((LabelScore("a", 1.0, 1.0),),)

    def announce(self, lane: Lane[Job]) -> None:
        asyncio.get_running_loop().call_soon(self._serve, lane)

    def _serve(self, lane: Lane[Job]) -> None:
        while (job := lane.next_work()) is not None:
            job.reuse.resolved(job, None)
            job.done(self.result)

    def retire(self, _: Lane[Job]) -> None:
        pass


class Client:
    """A client's side of a stream."""

    def __init__(self, surroundings: StreamSurroundings) -> None:
        self.requests = asyncio.Queue[object]()
        self.shell = StreamShell(surroundings)
        self.token = ""

    def configure(self, resume_token: str = "") -> None:
        config = pb.StreamConfig(label_set=pb.LabelSet(labels=[pb.Label(name="a")]))
        if resume_token:
            config.resume.token = resume_token
        self.requests.put_nowait(pb.StreamFramesRequest(config=config).SerializeToString())

    async def responses(self) -> AsyncIterator[pb.StreamFramesResponse]:
        async with aclosing(self.shell.run(self.requests.get)) as responses:
            async for response in responses:
                self.token = self.token or response.started.resume_token
                yield response


def surroundings(result: Embedded | Exception) -> StreamSurroundings:
    scorer = cast("Scorer", FakeScorer(result))
    return StreamSurroundings(
        find_scorer=lambda _: scorer,
        requests=RequestReader(max_reading=1, timeout_s=60, account=ByteAccount("calls", "bytes", "max", 1 << 20)),
        score_thread=ScoreThread(),
        shares=StreamShares(),
        check_config=lambda _: None,
        limits=SessionLimits(running=2, waiting=2),
        max_image_bytes=1,
        waiting_share=lambda *_: 2,
        draining=asyncio.Event(),
        resumable=ResumableStreams(60, 3, 1_000_000),
    )


@pytest.fixture
def no_collection() -> Iterator[None]:
    """No cycles are collected: what is not needed any more goes by itself."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


async def read_all(client: Client) -> FramewatchError | None:
    """Returns the error that ends the stream."""
    try:
        async for _ in client.responses():
            pass
    except FramewatchError as error:
        return error.with_traceback(None)
    return None


def end_of_input(client: Client) -> None:
    client.requests.put_nowait(None)


def wrong_request(client: Client) -> None:
    client.requests.put_nowait(NOTHING)


def drain(client: Client) -> None:
    client.shell._surroundings.draining.set()


async def take_over(client: Client) -> None:
    other = Client(client.shell._surroundings)
    other.configure(client.token)
    end_of_input(other)
    await read_all(other)


@pytest.mark.usefixtures("no_collection")
@pytest.mark.parametrize(
    ("end", "error"),
    [(end_of_input, None), (wrong_request, MissingField), (drain, ServerDraining), (take_over, StreamTakenOver)],
)
@pytest.mark.parametrize("frame", [FRAME, EMPTY_IMAGE], ids=["image", "empty_image"])
@pytest.mark.parametrize(
    "result", [Embedded(np.ones((1, 2), np.float32), Timings()), MissingField("no", "x")], ids=["scored", "failed"]
)
async def test_a_stream_that_has_ended_is_freed_at_once(
    end: Callable[[Client], object],
    error: type[FramewatchError] | None,
    frame: bytes,
    result: Embedded | Exception,
) -> None:
    client = Client(surroundings(result))
    gone = weakref.ref(client.shell)
    client.configure()
    client.requests.put_nowait(frame)
    reading = asyncio.create_task(read_all(client))
    while not client.token or not client.requests.empty():
        await asyncio.sleep(0)
    ending = end(client)
    if asyncio.iscoroutine(ending):
        await ending
    found = await reading
    assert found is None if error is None else isinstance(found, error)
    del client, reading, found, ending
    for _ in range(5):
        await asyncio.sleep(0)  # callbacks of tasks that have ended
    assert gone() is None


async def go_away(client: Client) -> None:
    """Reads all that comes before the end of input; then the connection breaks."""


async def read_until_broken(client: Client) -> FramewatchError | None:
    async with aclosing(client.shell.run(client.requests.get)) as responses:
        async for response in responses:
            client.token = client.token or response.started.resume_token
            if response.HasField("result"):
                return None
    raise AssertionError("the result comes")


@pytest.mark.parametrize(
    ("end", "read", "is_lost"),
    [
        pytest.param(end_of_input, read_all, False, id="answered to the end"),
        pytest.param(wrong_request, read_all, False, id="refused: it can't be resumed"),
        pytest.param(drain, read_all, True, id="the server drains"),
        pytest.param(go_away, read_until_broken, True, id="the connection breaks"),
    ],
)
async def test_states_of_streams_that_were_lost_are_known(
    end: Callable[[Client], object], read: Callable[[Client], Awaitable[FramewatchError | None]], is_lost: bool
) -> None:
    around = surroundings(Embedded(np.ones((1, 2), np.float32), Timings()))
    client = Client(around)
    client.configure()
    client.requests.put_nowait(FRAME)
    reading = asyncio.ensure_future(read(client))
    while not client.token or not client.requests.empty():
        await asyncio.sleep(0)
    ending = end(client)
    if asyncio.iscoroutine(ending):
        await ending
    await reading
    assert [*around.resumable._lost] == [client.token] * is_lost
    assert [*around.resumable._answered] == [client.token] * (not is_lost)


async def test_the_state_of_a_stream_that_has_ended_keeps_nothing_of_its_config() -> None:
    client = Client(surroundings(Embedded(np.ones((1, 2), np.float32), Timings())))
    text = "x" * 2000
    rule = pb.EventRule(label="a", enter_at=0.5)
    config = pb.StreamConfig(label_set=pb.LabelSet(labels=[pb.Label(name="a", prompts=[text])]), rules=[rule])
    client.requests.put_nowait(pb.StreamFramesRequest(config=config).SerializeToString())
    client.requests.put_nowait(FRAME)
    end_of_input(client)
    assert await read_all(client) is None
    resumable = client.shell._surroundings.resumable
    del client, config
    assert resumable.held_bytes > 0
    for _ in range(5):
        await asyncio.sleep(0)  # callbacks of tasks that have ended
    gc.collect()
    assert not [each for each in gc.get_objects() if type(each) is Label and text in each.prompts]


async def test_a_frame_arrives_before_its_image_is_copied(monkeypatch: pytest.MonkeyPatch) -> None:
    now_ns, copy = 1_000, stream.frame_from_proto

    def copy_slowly(message: pb.Frame) -> object:
        nonlocal now_ns
        now_ns += 1_000_000
        return copy(message)

    monkeypatch.setattr(stream, "frame_from_proto", copy_slowly)
    monkeypatch.setattr(time, "monotonic_ns", lambda: now_ns)
    client = Client(surroundings(Embedded(np.ones((1, 2), np.float32), Timings())))
    client.configure()
    client.requests.put_nowait(FRAME)
    end_of_input(client)
    times = [each.result.time_offset.ToNanoseconds() async for each in client.responses() if each.HasField("result")]
    assert times == [0]
