"""A pipeline with a fake encoder whose answer is the picture's first pixel, and whose device can be held back."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Self

import numpy as np
import numpy.typing as npt

from framewatch_core.arrays import Float32Array
from framewatch_core.errors import UndecodableImage
from framewatch_core.images.image import EncodedImage, Image
from framewatch_core.images.regions import Region
from framewatch_core.labels.scoring import ScoreHead
from framewatch_server.engine.jobs import Embedded, Job, Load
from framewatch_server.engine.pipeline import Pipeline
from framewatch_server.engine.reuse import NO_REUSE, EmbeddingReuse
from framewatch_server.vision.pixels.preprocess import PreprocessSpec
from framewatch_server.vision.pixels.statistics import picture_stats
from framewatch_server.vision.pixels.view import WHOLE, PreparedView, View
from framewatch_server.vision.towers.encoder import BlockingImageTower, DeviceOutOfMemory, ModelInfo

POISON = 13
BROKEN = 99
EXITING = 98


class FakeTexts:
    """A text tower that records the texts."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def encode(self, texts: Sequence[str]) -> Float32Array:
        self.asked += texts
        return np.ones((len(texts), 1), np.float32)

    def cut_off(self, _: Sequence[str]) -> frozenset[str]:
        return frozenset()


class FakeEncoder(BlockingImageTower):
    """An encoder that is its own image tower. Records its batches; keeps the device busy until released."""

    image_size = (1, 1)
    info = ModelInfo("fake", "clip", (1, 1), 1, 0, "cpu", "float32")
    preprocess = PreprocessSpec((1, 1), None, 3, (0.0,) * 3, (1.0,) * 3)
    head = ScoreHead(1.0)

    def __init__(self) -> None:
        self.images = self
        self.texts = FakeTexts()
        self.batches: list[list[int]] = []
        self.entered = threading.Event()
        self.released = threading.Event()
        self.failure: BaseException | None = None
        self.room = 1000

    def encode(self, pixels: npt.NDArray[np.uint8]) -> Float32Array:
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


class Waiting(Job):
    """A job whose result is kept."""

    def __init__(
        self,
        value: int,
        finished: Callable[[], None],
        reuse: EmbeddingReuse[Job] = NO_REUSE,
        view: View = WHOLE,
        load: Load | None = None,
    ) -> None:
        super().__init__(EncodedImage(bytes([value])), view, reuse, load)
        self.value = value
        self.result: Embedded | Exception | None = None
        self._finished = finished

    def done(self, result: Embedded | Exception) -> None:
        assert self.result is None, "a job is finished once"
        self.result = result
        self._finished()


def regions_view(count: int) -> View:
    """A view of so many regions."""
    return View(tuple(Region(str(i), 0, 0, 1, 1) for i in range(count)))


class Source:
    """A lane that keeps its jobs."""

    def __init__(self, *values: int, regions: int = 1) -> None:
        self.changed = asyncio.Event()
        self.jobs = [Waiting(value, self.changed.set, view=regions_view(regions)) for value in values]
        self.waiting: deque[Waiting] = deque(self.jobs)

    def next_work(self) -> Job | None:
        return self.waiting.popleft() if self.waiting else None

    async def results(self) -> list[object]:
        """The answer of every job: the picture's value, or the error."""
        while any(job.result is None and not job.cancelled for job in self.jobs):
            await self.changed.wait()
            self.changed.clear()
        return [int(j.result.vectors[0, 0]) if isinstance(j.result, Embedded) else j.result for j in self.jobs]


class Rig:
    """A pipeline whose device is held back until `release`, and what it read."""

    def __init__(self, max_batch_size: int = 8, decode_threads: int = 1, encoder: FakeEncoder | None = None) -> None:
        self.encoder = encoder or FakeEncoder()
        self.read: list[int] = []
        self.may_read: dict[int, threading.Event] = {}
        self.health: list[bool] = []
        self.pipeline = Pipeline(
            self.encoder,
            self._prepare,
            max_batch_size=max_batch_size,
            decode_threads=decode_threads,
            on_health=self.health.append,
        )

    async def __aenter__(self) -> Self:
        await self.pipeline.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        self.encoder.released.set()
        await self.pipeline.__aexit__()

    def _prepare(self, image: Image, view: View) -> PreparedView:
        assert isinstance(image, EncodedImage)
        value = image.data[0]
        if (may_read := self.may_read.get(value)) is not None:
            assert may_read.wait(30)
        self.read.append(value)
        if value == BROKEN:
            raise UndecodableImage("broken", "encoded")
        if value == EXITING:
            raise SystemExit("ends the decode thread")
        pictures = {"": picture_stats(np.full((8, 8, 3), value, np.uint8))} if view.assessed else {}
        return PreparedView(np.full((len(view.regions), 3, 1, 1), value, np.uint8), pictures)

    async def busy(self) -> Source:
        """Lets a first picture occupy the device."""
        first = Source(0)
        self.pipeline.announce(first)
        await asyncio.to_thread(self.encoder.entered.wait)
        return first

    async def told(self, works: bool) -> None:
        """Waits until that health was the last one told."""
        while not self.health or self.health[-1] is not works:
            await asyncio.sleep(0)

    async def decoded(self, count: int) -> None:
        """Waits until so many images have been read and queued for the device."""
        while len(self.read) < count or queued_for_device(self.pipeline) < count - 1:
            await asyncio.sleep(0)


def queued_for_device(pipeline: Pipeline) -> int:
    """Number of decoded jobs that the device thread has not taken yet."""
    return pipeline._device._queue.job_count


class OverlappingEncoder(FakeEncoder):
    """Takes two batches at once; each is embedded when it is collected."""

    in_flight = 2

    def __init__(self) -> None:
        super().__init__()
        self.log: list[str] = []

    def start(self, pixels: npt.NDArray[np.uint8]) -> Callable[[], Float32Array]:
        name = "+".join(map(str, pixels[:, 0, 0, 0]))
        self.log.append(f"start {name}")

        def collect() -> Float32Array:
            self.log.append(f"collect {name}")
            return self.encode(pixels)

        return collect
