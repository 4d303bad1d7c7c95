"""Images of calls: embedded in turns with streams' frames; their vectors are kept in case an image comes again."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping, Sequence

from framewatch_core.arrays import Float32Array
from framewatch_core.errors import FieldError
from framewatch_core.images.image import Image, ImageKey
from framewatch_core.stream.queueing import RoundRobin
from framewatch_core.stream.results import Timings
from framewatch_server.engine.jobs import Embedded, Job
from framewatch_server.engine.once import computed_once
from framewatch_server.engine.pipeline import Pipeline
from framewatch_server.engine.vector_cache import VectorCache
from framewatch_server.vision.pixels.view import WHOLE, View

_HASHED_AT_ONCE = 128 * 1024
"""Bytes of a call's images above which their keys are computed on another thread than the event loop's."""


class _AwaitedJob(Job):
    """An image whose result a coroutine waits for."""

    __slots__ = ("future",)

    def __init__(self, image: Image, view: View) -> None:
        super().__init__(image, view)
        self.future: asyncio.Future[Embedded] = asyncio.get_running_loop().create_future()

    def done(self, result: Embedded | Exception) -> None:
        if self.future.done():
            return
        if isinstance(result, Embedded):
            self.future.set_result(result)
        else:
            self.future.set_exception(result)


class _CallLane:
    """The jobs of one call."""

    def __init__(self) -> None:
        self.jobs: deque[Job] = deque()

    def next_work(self) -> Job | None:
        while self.jobs:
            job = self.jobs.popleft()
            if not job.cancelled:
                return job
        return None


class CallImages:
    """Embeds the images of calls. Calls take turns with each other, and all of them together with the streams."""

    def __init__(self, pipeline: Pipeline, cache_bytes: int) -> None:
        """`cache_bytes`: of vectors kept by their images' contents; 0: none are kept."""
        self._pipeline = pipeline
        self._turns = RoundRobin[Job](cost=lambda job: job.load.cost)
        self.cache: VectorCache[Float32Array] | None = VectorCache(cache_bytes) if cache_bytes else None

    async def embed(self, image: Image) -> Embedded:
        """Embeds the one image of a call. Raises ImageTooLarge, UnsupportedFormat, UndecodableImage."""
        (key,) = await self._keys([image], WHOLE)
        return await self._cached(image, key, _CallLane())

    async def embed_all(self, images: Mapping[str, Image], view: View = WHOLE) -> list[Embedded]:
        """Embeds the images of a call, given by their fields' paths; raises as `embed`, with the path."""
        lane = _CallLane()
        keys = await self._keys(list(images.values()), view)
        tasks = [
            asyncio.ensure_future(self._embed_field(image, key, field, lane, view))
            for (field, image), key in zip(images.items(), keys, strict=True)
        ]
        try:
            return await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()

    async def _keys(self, images: Sequence[Image], view: View) -> list[ImageKey | None]:
        """Keys of the images in the cache; None: the image's vectors are not kept."""
        if self.cache is None or view is not WHOLE:
            return [None] * len(images)
        if sum(len(image.data) for image in images) <= _HASHED_AT_ONCE:
            return [ImageKey.of(image) for image in images]
        return await asyncio.to_thread(lambda: [ImageKey.of(image) for image in images])

    async def _embed_field(
        self, image: Image, key: ImageKey | None, field: str, lane: _CallLane, view: View
    ) -> Embedded:
        try:
            if view is WHOLE:
                return await self._cached(image, key, lane)
            return await self._embed(image, lane, view)
        except FieldError as error:
            raise error.under(field) from None

    async def _cached(self, image: Image, key: ImageKey | None, lane: _CallLane) -> Embedded:
        """The whole image's vectors, from the cache if the same image came before."""
        if self.cache is None or key is None:
            return await self._embed(image, lane, WHOLE)
        timings = Timings()

        async def compute() -> Float32Array:
            nonlocal timings
            embedded = await self._embed(image, lane, WHOLE)
            timings = embedded.timings
            vectors = embedded.vectors.copy()  # they are a part of the batch's, which must not be kept with them
            vectors.setflags(write=False)
            return vectors

        return Embedded(await computed_once(self.cache, key, compute), timings)

    async def _embed(self, image: Image, lane: _CallLane, view: View) -> Embedded:
        job = _AwaitedJob(image, view)
        lane.jobs.append(job)
        self._turns.announce(lane)
        self._pipeline.announce(self._turns)
        try:
            return await job.future
        except asyncio.CancelledError:
            job.cancel()
            raise
