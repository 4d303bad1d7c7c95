"""Frames with many scores, on a thread that the test holds up."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
import pytest

from framewatch.v1 import framewatch_pb2 as pb
from framewatch_core.labels.label_scores import LabelNames, LabelScores, best_first
from framewatch_core.stream.results import FrameResult, RegionScores, Scored
from framewatch_server.rpc.large_frames import LARGE, LargeFrames, ScoreThread
from framewatch_wire.responses import response_to_proto


class Gate:
    """Work for the thread that goes on when the test opens the gate."""

    def __init__(self) -> None:
        self.order: list[str] = []
        self.open = threading.Event()

    def work(self, name: str) -> Callable[[], str]:
        def score() -> str:
            self.open.wait()
            self.order.append(name)
            if name == "bad":
                raise ValueError(name)
            return name

        return score


@pytest.fixture
def gate() -> Iterator[Gate]:
    made = Gate()
    yield made
    made.open.set()


async def idle(thread: ScoreThread) -> None:
    """Waits for everything that the thread has been given."""
    await thread.run(lambda: None)
    await asyncio.sleep(0)


async def test_streams_take_turns(gate: Gate) -> None:
    thread = ScoreThread()
    many, one = LargeFrames(thread), LargeFrames(thread)
    done: list[str | Exception] = []
    for name in ("a", "b", "c", "d"):
        many.add(gate.work(name), done.append)
    one.add(gate.work("other"), done.append)
    gate.open.set()
    while len(done) < 5:
        await idle(thread)
    assert gate.order.index("other") <= 1, "one frame of the other stream is before it, not four"
    assert [name for name in done if name != "other"] == ["a", "b", "c", "d"]


async def test_an_error_is_that_frames_alone(gate: Gate) -> None:
    frames, done = LargeFrames(thread := ScoreThread()), list[str | Exception]()
    for name in ("a", "bad", "c"):
        frames.add(gate.work(name), done.append)
    gate.open.set()
    while len(done) < 3:
        await idle(thread)
    assert (done[0], type(done[1]), done[2]) == ("a", ValueError, "c")


async def test_forgotten_frames_are_not_reported(gate: Gate) -> None:
    frames, done = LargeFrames(thread := ScoreThread()), list[str | Exception]()
    for name in ("a", "b"):
        frames.add(gate.work(name), done.append)
    frames.clear()
    frames.add(gate.work("c"), done.append)
    gate.open.set()
    while not done:
        await idle(thread)
    assert (gate.order, done) == (["a", "c"], ["c"])


def frame(labels: int) -> FrameResult:
    values = np.random.default_rng(labels).random((labels, 3)).astype(np.float32)
    scores = LabelScores(LabelNames(list(map(str, range(labels)))), values)
    return FrameResult(1, 2, 3, Scored((RegionScores("", best_first(scores)),)))


@pytest.mark.parametrize("labels", [1, 63, 64, LARGE - 1, LARGE])
async def test_results_are_the_same_however_they_are_written(labels: int) -> None:
    result = frame(labels)
    written = await ScoreThread().write(result)
    message = pb.StreamFramesResponse.FromString(written) if isinstance(written, bytes) else written
    assert message == response_to_proto(result)


async def test_only_large_results_wait_for_the_thread(gate: Gate) -> None:
    thread = ScoreThread()
    busy = thread.run(partial(gate.open.wait))
    await thread.write(frame(LARGE - 1))
    large = asyncio.ensure_future(thread.write(frame(LARGE)))
    for _ in range(5):
        await asyncio.sleep(0)
    assert not large.done()
    gate.open.set()
    await asyncio.gather(busy, large)
