"""The way from lanes to embeddings, with a fake encoder whose answer is the picture's first pixel."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Self

import numpy as np
import numpy.typing as npt
import pytest

from framewatch_core.errors import InternalError, ServerDraining, ServerUnavailable, UndecodableImage
from framewatch_core.images import EncodedImage, Image
from framewatch_core.scoring import Float32Array, ScoreHead
from framewatch_server.engine.pipeline import Embedded, Job, Pipeline
from framewatch_server.vision.encoder import BlockingEncoder, DeviceOutOfMemory, ModelInfo
from framewatch_server.vision.preprocess import PreprocessSpec

POISON = 13
BROKEN = 99


class FakeEncoder(BlockingEncoder):
    """Records its batches; holds the device back until released."""

    info = ModelInfo("fake", "clip", (1, 1), 1, "cpu", "float32")
    preprocess = PreprocessSpec((1, 1), None, 3, (0.0,) * 3, (1.0,) * 3)
    head = ScoreHead(1.0)

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.entered = threading.Event()
        self.released = threading.Event()
        self.failure: BaseException | None = None
        self.room = 1000

    def encode_images(self, pixels: npt.NDArray[np.uint8]) -> Float32Array:
        values = pixels[:, 0, 0, 0]
        self.batches.append(values.tolist())
        self.entered.set()
        assert self.released.wait(30)
        if self.failure is not None:
            raise self.failure
        if len(values) > self.room:
            raise DeviceOutOfMemory(f"no room for {len(values)}")
        if POISON in values:
            raise RuntimeError("poisoned")
        return values[:, None].astype(np.float32)

    def encode_texts(self, texts: Sequence[str]) -> Float32Array:
        return np.ones((len(texts), 1), np.float32)


class Waiting(Job):
    """A job whose result is kept."""

    def __init__(self, value: int, finished: Callable[[], None]) -> None:
        super().__init__(EncodedImage(bytes([value])))
        self.value = value
        self.result: Embedded | Exception | None = None
        self._finished = finished

    def done(self, result: Embedded | Exception) -> None:
        assert self.result is None, "a job is finished once"
        self.result = result
        self._finished()


class Source:
    """A lane that keeps its jobs."""

    def __init__(self, *values: int) -> None:
        self.changed = asyncio.Event()
        self.jobs = [Waiting(value, self.changed.set) for value in values]
        self.waiting: deque[Waiting] = deque(self.jobs)

    def next_work(self) -> Job | None:
        return self.waiting.popleft() if self.waiting else None

    async def results(self) -> list[object]:
        """The answer of every job: the picture's value, or the error."""
        while any(job.result is None and not job.cancelled for job in self.jobs):
            await self.changed.wait()
            self.changed.clear()
        return [int(j.result.vector[0]) if isinstance(j.result, Embedded) else j.result for j in self.jobs]


class Rig:
    """A pipeline whose device is held back until `release`, and what it read."""

    def __init__(self, max_batch_size: int = 8) -> None:
        self.encoder = FakeEncoder()
        self.read: list[int] = []
        self.health: list[bool] = []
        self.pipeline = Pipeline(
            self.encoder, self._read, max_batch_size=max_batch_size, decode_threads=1, on_health=self.health.append
        )

    async def __aenter__(self) -> Self:
        await self.pipeline.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        self.encoder.released.set()
        await self.pipeline.__aexit__()

    def _read(self, image: Image) -> npt.NDArray[np.uint8]:
        assert isinstance(image, EncodedImage)
        value = image.data[0]
        self.read.append(value)
        if value == BROKEN:
            raise UndecodableImage("broken", "encoded")
        return np.full((3, 1, 1), value, np.uint8)

    async def busy(self) -> Source:
        """Lets a first picture occupy the device."""
        first = Source(0)
        self.pipeline.announce(first)
        await asyncio.to_thread(self.encoder.entered.wait)
        return first

    async def decoded(self, count: int) -> None:
        """Waits until so many pictures have been read and queued for the device."""
        while len(self.read) < count or self.pipeline.waiting_for_device < count - 1:
            await asyncio.sleep(0)


async def test_what_arrives_while_the_device_is_busy_is_one_batch_in_order() -> None:
    rig = Rig(3)
    async with rig:
        first, later = await rig.busy(), Source(1, 2, 3, 4, 5)
        rig.pipeline.announce(later)
        await rig.decoded(6)
        rig.encoder.released.set()
        assert await first.results() == [0]
        assert await later.results() == [1, 2, 3, 4, 5]
    assert rig.encoder.batches == [[0], [1, 2, 3], [4, 5]]
    sizes = [job.result.timings.batch_size for job in later.jobs if isinstance(job.result, Embedded)]
    assert sizes == [3, 3, 3, 2, 2]


async def test_lanes_take_turns_and_what_has_no_turn_is_not_decoded() -> None:
    rig = Rig(2)  # room for 2 batches and the decoder: 5
    async with rig:
        first, filling = await rig.busy(), Source(1, 2, 3, 4)
        fast, slow = Source(*range(20, 30)), Source(50, 51)
        for source in (filling, fast, slow):
            rig.pipeline.announce(source)
        await rig.decoded(5)
        assert rig.read == [0, 1, 2, 3, 4]
        assert len(fast.waiting) == 10
        rig.encoder.released.set()
        for source in (first, filling, fast, slow):
            assert await source.results() == [job.value for job in source.jobs]
    assert rig.read[5:10] == [20, 50, 21, 51, 22]


async def test_a_cancelled_job_costs_neither_decoding_nor_device_time() -> None:
    rig = Rig(2)
    async with rig:
        first, later = await rig.busy(), Source(1, 2, 3, 4, 5, 6)
        rig.pipeline.announce(later)
        await rig.decoded(5)
        later.jobs[1].cancel()  # decoded, not yet on the device
        for job in list(later.waiting):  # not yet taken
            job.cancel()
        rig.encoder.released.set()
        await first.results()
        assert await later.results() == [1, None, 3, 4, None, None]
    assert rig.encoder.batches == [[0], [1], [3, 4]]
    assert rig.read == [0, 1, 2, 3, 4]


async def test_a_retired_lane_is_asked_no_more() -> None:
    rig = Rig(2)
    async with rig:
        first, gone = await rig.busy(), Source(*range(1, 9))
        rig.pipeline.announce(gone)
        rig.pipeline.retire(gone)
        rig.encoder.released.set()
        await first.results()
    assert len(gone.waiting) == 4


async def test_a_broken_picture_fails_alone() -> None:
    rig = Rig()
    rig.encoder.released.set()
    async with rig:
        source = Source(1, BROKEN, 2)
        rig.pipeline.announce(source)
        one, error, two = await source.results()
    assert (one, two) == (1, 2)
    assert isinstance(error, UndecodableImage)


async def test_a_poisoned_picture_fails_alone() -> None:
    rig = Rig()
    async with rig:
        first, later = await rig.busy(), Source(1, 2, POISON, 4, 5)
        rig.pipeline.announce(later)
        await rig.decoded(6)
        rig.encoder.released.set()
        await first.results()
        results = await later.results()
    assert [result for result in results if isinstance(result, int)] == [1, 2, 4, 5]
    assert str(results[2]) == "poisoned"
    assert not rig.health


async def test_a_vector_that_is_not_finite_fails_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    rig = Rig()
    rig.encoder.released.set()
    vectors = np.array([[1], [np.nan], [3]], np.float32)
    monkeypatch.setattr(rig.encoder, "encode_images", lambda pixels: vectors[pixels[:, 0, 0, 0]])
    async with rig:
        source = Source(0, 1, 2)
        rig.pipeline.announce(source)
        one, error, three = await source.results()
    assert (one, three) == (1, 3)
    assert isinstance(error, InternalError)


async def test_out_of_memory_halves_the_batch_and_is_remembered() -> None:
    rig = Rig(8)
    rig.encoder.room = 2
    async with rig:
        first, later = await rig.busy(), Source(1, 2, 3, 4, 5, 6, 7, 8)
        rig.pipeline.announce(later)
        await rig.decoded(9)
        rig.encoder.released.set()
        await first.results()
        assert await later.results() == [1, 2, 3, 4, 5, 6, 7, 8]
        before = len(rig.encoder.batches)
        again = Source(1, 2, 3, 4, 5, 6, 7, 8)
        rig.pipeline.announce(again)
        assert await again.results() == [1, 2, 3, 4, 5, 6, 7, 8]
    assert [len(batch) for batch in rig.encoder.batches[:before]] == [1, 8, 4, 2, 2, 4, 2, 2]
    assert max(len(batch) for batch in rig.encoder.batches[before:]) <= 2


async def test_a_device_that_fails_again_and_again_is_told_and_so_is_its_recovery() -> None:
    rig = Rig()
    rig.encoder.released.set()
    rig.encoder.failure = RuntimeError("device lost")
    async with rig:
        for _ in range(4):
            source = Source(1)
            rig.pipeline.announce(source)
            assert [str(result) for result in await source.results()] == ["device lost"]
        assert rig.health == [False]
        rig.encoder.failure = None
        source = Source(1)
        rig.pipeline.announce(source)
        assert await source.results() == [1]
    assert rig.health == [False, True]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
async def test_nobody_waits_for_a_device_that_is_dead() -> None:
    rig = Rig()
    async with rig:
        first, later = await rig.busy(), Source(1, 2)
        rig.pipeline.announce(later)
        await rig.decoded(3)
        texts = asyncio.create_task(rig.pipeline.run_on_device(rig.encoder.encode_texts, ["a"]))
        await asyncio.sleep(0)
        rig.encoder.failure = SystemExit("the device's thread ends")
        rig.encoder.released.set()
        results = await first.results() + await later.results()
        assert [type(result) for result in results] == [ServerUnavailable] * 3
        with pytest.raises(ServerUnavailable, match="not running"):
            await texts
        assert rig.health == [False]
        afterwards = Source(3)
        rig.pipeline.announce(afterwards)
        assert [type(result) for result in await afterwards.results()] == [ServerUnavailable]


async def test_stopping_finishes_what_is_under_way_and_answers_the_rest() -> None:
    rig = Rig(1)
    async with rig:
        first, later = await rig.busy(), Source(1, 2, 4, 5)
        rig.pipeline.announce(later)
        await rig.decoded(3)
        rig.encoder.released.set()
    await asyncio.sleep(0)
    assert await first.results() == [0]
    results = await later.results()
    assert results[:2] == [1, 2]
    assert {type(result) for result in results if not isinstance(result, int)} <= {ServerDraining}
    with pytest.raises(ServerDraining):
        await rig.pipeline.run_on_device(int)
