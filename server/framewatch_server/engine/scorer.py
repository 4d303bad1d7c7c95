"""What the service asks of a model: decode → embed → score."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from typing import Self

import numpy as np

from framewatch_core.errors import FieldError, ServerDraining
from framewatch_core.frames import Timings
from framewatch_core.images import Image
from framewatch_core.labels import LabelSet
from framewatch_core.queueing import Lane, RoundRobin
from framewatch_core.scoring import Float32Array, LabelScore, cosine, score_labels
from framewatch_server.engine.jobs import Embedded, Job
from framewatch_server.engine.pipeline import Pipeline
from framewatch_server.vision.decode import DecodeLimits
from framewatch_server.vision.encoder import Encoder, ModelInfo
from framewatch_server.vision.preprocess import read
from framewatch_server.vision.text_cache import Prompts, TextCache, distinct_texts, text_matrix

# Texts embedded between two batches of pictures: a large label set must not hold up the streams.
_TEXTS_AT_ONCE = 32


class _AwaitedJob(Job):
    """A picture that a coroutine waits for."""

    __slots__ = ("future",)

    def __init__(self, image: Image) -> None:
        super().__init__(image)
        self.future: asyncio.Future[Embedded] = asyncio.get_running_loop().create_future()

    def done(self, result: Embedded | Exception) -> None:
        if self.future.done():
            return
        if isinstance(result, Embedded):
            self.future.set_result(result)
        else:
            self.future.set_exception(result)


class _CallLane:
    """The pictures of one call."""

    def __init__(self) -> None:
        self.jobs: deque[Job] = deque()

    def next_work(self) -> Job | None:
        while self.jobs:
            job = self.jobs.popleft()
            if not job.cancelled:
                return job
        return None


class Scorer:
    """One model with its pipeline and text cache; use as an async context manager."""

    def __init__(
        self,
        encoder: Encoder,
        *,
        limits: DecodeLimits,
        max_batch_size: int,
        decode_threads: int,
        text_cache_bytes: int,
        reduced_decode: bool,
        on_health: Callable[[bool], None] = lambda _: None,
    ) -> None:
        """Sets up the model's machinery.

        Args:
            encoder: the model.
            limits: of pictures.
            max_batch_size: pictures that the device takes at once.
            decode_threads: threads that decode pictures.
            text_cache_bytes: of text embeddings kept.
            reduced_decode: large JPEGs are decoded at a fraction of their size where the model would not see more.
            on_health: see `Pipeline`.

        """
        self._encoder = encoder
        self._max_batch_size = max_batch_size
        self._pipeline = Pipeline(
            encoder,
            lambda image: read(image, encoder.preprocess, limits, reduced=reduced_decode),
            max_batch_size=max_batch_size,
            decode_threads=decode_threads,
            on_health=on_health,
        )
        self._calls = RoundRobin[Job]()
        self._texts = TextCache(text_cache_bytes)
        self._computing: set[asyncio.Task[None]] = set()
        self._stack = AsyncExitStack()

    @property
    def info(self) -> ModelInfo:
        """The model."""
        return self._encoder.info

    @property
    def max_batch_size(self) -> int:
        """Pictures that the device takes at once."""
        return self._max_batch_size

    @property
    def useful_short_side(self) -> int:
        """See StreamStarted.useful_short_side."""
        return self._encoder.preprocess.useful_short_side

    async def __aenter__(self) -> Self:
        await self._stack.enter_async_context(self._pipeline)
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._computing:
            task.cancel()
        await self._stack.aclose()

    async def warm(self) -> None:
        """Prepares the model, so that the first caller doesn't pay for it."""
        await self._pipeline.run_on_device(self._encoder.warm, self._max_batch_size)
        await self._pipeline.run_on_device(self._encoder.encode_texts, ["a photo"])

    def announce(self, lane: Lane[Job]) -> None:
        """Says that a lane has pictures to embed; it is asked for them, in its turn, as soon as there is room."""
        self._pipeline.announce(lane)

    def retire(self, lane: Lane[Job]) -> None:
        """Forgets a lane."""
        self._pipeline.retire(lane)

    def scores(self, names: tuple[str, ...], vector: Float32Array, texts: Float32Array) -> tuple[LabelScore, ...]:
        """Scores an embedding `[dimension]` against labels with the texts `[labels, dimension]`; in their order."""
        return score_labels(names, vector, texts, self._encoder.head)

    async def score(self, image: Image, label_set: LabelSet) -> tuple[tuple[LabelScore, ...], Timings]:
        """Scores an image against a label set; scores come in the labels' order.

        Raises:
            ImageTooLarge, UnsupportedFormat, UndecodableImage: with the field's path below the image.

        """
        texts = await self.text_matrix(label_set)
        embedded = await self._embed(image, _CallLane())
        return self.scores(label_set.names, embedded.vector, texts), embedded.timings

    async def similarities(self, query: Image, candidates: Sequence[Image]) -> tuple[list[float], Timings]:
        """Cosines of the query with each candidate, in order, in [-1, 1]. Raises as `score`, with the field's path."""
        images = {"query": query, **{f"candidates[{i}]": image for i, image in enumerate(candidates)}}
        lane = _CallLane()
        tasks = [asyncio.ensure_future(self._embed_field(image, field, lane)) for field, image in images.items()]
        try:
            found = await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
        vectors = np.stack([embedded.vector for embedded in found])
        timings = sum((embedded.timings for embedded in found), Timings())
        return cosine(vectors[1:], vectors[0]).tolist(), timings

    async def _embed_field(self, image: Image, field: str, lane: _CallLane) -> Embedded:
        try:
            return await self._embed(image, lane)
        except FieldError as error:
            raise error.under(field) from None

    async def _embed(self, image: Image, lane: _CallLane) -> Embedded:
        """Embeds one image of a call. Calls take turns with each other, and all of them together with the streams."""
        job = _AwaitedJob(image)
        lane.jobs.append(job)
        self._calls.announce(lane)
        self._pipeline.announce(self._calls)
        try:
            return await job.future
        except asyncio.CancelledError:
            job.cancel()
            raise

    async def text_matrix(self, label_set: LabelSet) -> Float32Array:
        """The label set's text embeddings, `[labels, dimension]`, from the cache or computed once for all who ask."""
        prompts = label_set.prompts()
        claim = self._texts.claim(prompts)
        if claim.must_compute:
            # a task of its own: the others still want it if the first one goes away
            task = asyncio.create_task(self._compute_texts(prompts), name="texts")
            self._computing.add(task)
            task.add_done_callback(self._computing.discard)
        return await asyncio.shield(asyncio.wrap_future(claim.matrix))

    async def _compute_texts(self, prompts: Prompts) -> None:
        texts = distinct_texts(prompts)
        try:
            parts = [
                await self._pipeline.run_on_device(self._encoder.encode_texts, texts[i : i + _TEXTS_AT_ONCE])
                for i in range(0, len(texts), _TEXTS_AT_ONCE)
            ]
            self._texts.fulfil(prompts, text_matrix(prompts, np.concatenate(parts)))
        except asyncio.CancelledError:
            self._texts.give_up(prompts, ServerDraining("the server is stopping: try again"))
            raise
        except Exception as error:
            self._texts.give_up(prompts, error)
