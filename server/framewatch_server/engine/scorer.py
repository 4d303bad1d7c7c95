"""What the service asks of a model: decode → embed → score."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine, Hashable, Mapping, Sequence
from contextlib import AsyncExitStack
from functools import partial
from typing import Self

import numpy as np

from framewatch_core.errors import FieldError, ServerDraining
from framewatch_core.frames import Timings
from framewatch_core.images import Image, ImageKey
from framewatch_core.label_scores import LabelVectors, label_vectors, text_groups
from framewatch_core.labels import Label, LabelSet
from framewatch_core.presence import Discriminant, fit_discriminant
from framewatch_core.queueing import Lane, RoundRobin
from framewatch_core.scoring import Float32Array, LabelScore, cosine
from framewatch_server.engine.jobs import Embedded, Job
from framewatch_server.engine.pipeline import Pipeline
from framewatch_server.vision.decode import DecodeLimits
from framewatch_server.vision.encoder import Encoder, ModelInfo
from framewatch_server.vision.vector_cache import Prompts, VectorCache, distinct_texts, text_matrix
from framewatch_server.vision.view import WHOLE, View, look

# Texts embedded between two batches of pictures: a large label set must not hold up the streams.
_TEXTS_AT_ONCE = 32

_EXAMPLE = View(is_example=True)


class _AwaitedJob(Job):
    """A picture that a coroutine waits for."""

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
        example_cache_bytes: int,
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
            example_cache_bytes: of what was learned from examples.
            reduced_decode: large JPEGs are decoded at a fraction of their size where the model would not see more.
            on_health: see `Pipeline`.

        """
        self._encoder = encoder
        self._max_batch_size = max_batch_size
        self._pipeline = Pipeline(
            encoder,
            lambda image, view: look(image, view, encoder.preprocess, limits, reduced=reduced_decode),
            max_batch_size=max_batch_size,
            decode_threads=decode_threads,
            on_health=on_health,
        )
        self._calls = RoundRobin[Job]()
        self._texts = VectorCache(text_cache_bytes)
        self._examples = VectorCache(example_cache_bytes)
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

    def scores(self, labels: LabelVectors, vector: Float32Array) -> tuple[LabelScore, ...]:
        """Scores what the encoder gave for an input, `[vector_size]`, against labels; in their order."""
        dimension = self.info.dimension
        return labels.score(vector[:dimension], vector[dimension:], self._encoder.head)

    async def score(self, image: Image, labels: LabelVectors) -> tuple[tuple[LabelScore, ...], Timings]:
        """Scores an image against what `label_vectors` gave; scores come in the labels' order.

        Raises:
            ImageTooLarge, UnsupportedFormat, UndecodableImage: with the field's path below the image.

        """
        embedded = await self._embed(image, _CallLane())
        return self.scores(labels, embedded.vectors[0]), embedded.timings

    async def similarities(self, query: Image, candidates: Sequence[Image]) -> tuple[list[float], Timings]:
        """Cosines of the query with each candidate, in order, in [-1, 1]. Raises as `score`, with the field's path."""
        images = {"query": query, **{f"candidates[{i}]": image for i, image in enumerate(candidates)}}
        found = await self._embed_all(images, WHOLE)
        vectors = np.stack([embedded.vectors[0, : self.info.dimension] for embedded in found])
        timings = sum((embedded.timings for embedded in found), Timings())
        return cosine(vectors[1:], vectors[0]).tolist(), timings

    async def _embed_field(self, image: Image, field: str, lane: _CallLane, view: View = WHOLE) -> Embedded:
        try:
            return await self._embed(image, lane, view)
        except FieldError as error:
            raise error.under(field) from None

    async def _embed(self, image: Image, lane: _CallLane, view: View = WHOLE) -> Embedded:
        """Embeds one image of a call. Calls take turns with each other, and all of them together with the streams."""
        job = _AwaitedJob(image, view)
        lane.jobs.append(job)
        self._calls.announce(lane)
        self._pipeline.announce(self._calls)
        try:
            return await job.future
        except asyncio.CancelledError:
            job.cancel()
            raise

    async def _embed_all(self, images: Mapping[str, Image], view: View) -> list[Embedded]:
        """Embeds the images of one call, by their fields' paths."""
        lane = _CallLane()
        tasks = [asyncio.ensure_future(self._embed_field(image, field, lane, view)) for field, image in images.items()]
        try:
            return await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()

    async def label_vectors(self, label_set: LabelSet) -> LabelVectors:
        """What the label set's scores are computed with, from the caches or computed once for all who ask.

        Raises:
            ImageTooLarge, UnsupportedFormat, UndecodableImage: of an example, with its path below the label set.

        """
        texts = await self._text_matrix(text_groups(label_set))
        discriminants = {
            label.name: await self._discriminant(label, f"labels[{i}]")
            for i, label in enumerate(label_set.labels)
            if label.examples
        }
        return label_vectors(label_set, texts, discriminants)

    async def _text_matrix(self, prompts: Prompts) -> Float32Array:
        """The embeddings of groups of texts, `[groups, dimension]`."""
        return await self._computed_once(self._texts, prompts, partial(self._embed_texts, prompts))

    async def _discriminant(self, label: Label, path: str) -> Discriminant:
        try:
            learned = await self._computed_once(self._examples, label.examples_key, partial(self._learn, label))
        except FieldError as error:
            raise error.under(path) from None
        return Discriminant(learned[:-1], float(learned[-1]))

    async def _computed_once(
        self, cache: VectorCache, key: Hashable, compute: Callable[[], Coroutine[object, object, Float32Array]]
    ) -> Float32Array:
        claim = cache.claim(key)
        if claim.must_compute:
            # a task of its own: the others still want it if the first one goes away
            task = asyncio.create_task(self._compute(cache, key, compute), name="label set")
            self._computing.add(task)
            task.add_done_callback(self._computing.discard)
        return await asyncio.shield(asyncio.wrap_future(claim.vectors))

    @staticmethod
    async def _compute(
        cache: VectorCache, key: Hashable, compute: Callable[[], Coroutine[object, object, Float32Array]]
    ) -> None:
        try:
            cache.fulfil(key, await compute())
        except asyncio.CancelledError:
            cache.give_up(key, ServerDraining("the server is stopping: try again"))
            raise
        except Exception as error:
            cache.give_up(key, error)

    async def _embed_texts(self, prompts: Prompts) -> Float32Array:
        texts = distinct_texts(prompts)
        parts = [
            await self._pipeline.run_on_device(self._encoder.encode_texts, texts[i : i + _TEXTS_AT_ONCE])
            for i in range(0, len(texts), _TEXTS_AT_ONCE)
        ]
        return text_matrix(prompts, np.concatenate(parts))

    async def _learn(self, label: Label) -> Float32Array:
        """A label's discriminant as one vector, its offset last."""
        kinds = {"examples": label.examples, "counter_examples": label.counter_examples}
        images = {
            f"{field}[{i}]": image
            for field, kind in kinds.items()
            for i, image in enumerate(kind)
            if not isinstance(image, ImageKey)
        }
        found = await self._embed_all(images, _EXAMPLE)
        features = [embedded.vectors[:, self.info.dimension :] for embedded in found]
        count = len(label.examples)
        learned = fit_discriminant(np.concatenate(features[:count]), np.concatenate(features[count:]))
        return np.append(learned.weights, np.float32(learned.offset))
