"""The scorer of one model: decode → embed → score."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from functools import partial
from sys import getsizeof
from typing import Self

import numpy as np

from framewatch_core.arrays import Float32Array
from framewatch_core.calls import Embeddings
from framewatch_core.errors import FieldError
from framewatch_core.images.image import Image, ImageKey
from framewatch_core.labels.labels import Label, LabelSet
from framewatch_core.labels.presence import Discriminant, fit_discriminant
from framewatch_core.labels.scoring import LabelScore, ScoreHead, cosines
from framewatch_core.labels.vectors import LabelVectors, label_vectors, text_groups
from framewatch_core.labels.warnings import (
    MAX_WARNINGS,
    RequestWarning,
    doubtful_labels,
    truncated_prompts,
    truncated_texts,
)
from framewatch_core.models import Model
from framewatch_core.stream.queueing import Lane
from framewatch_core.stream.results import Timings
from framewatch_server.engine.call_images import CallImages
from framewatch_server.engine.jobs import Embedded, Job
from framewatch_server.engine.once import computed_once
from framewatch_server.engine.pipeline import Pipeline
from framewatch_server.engine.settings import EngineSettings
from framewatch_server.engine.vector_cache import Prompts, TextVectors, VectorCache, distinct_texts, text_matrix
from framewatch_server.vision.pixels.view import PreparedView, View, prepare_view
from framewatch_server.vision.towers.encoder import Encoder, ModelInfo

_FEW_TEXTS = 256
"""Texts of a label set that the event loop handles itself; more go to another thread, so that streams go on."""

_EXAMPLE = View(is_example=True)


class Scorer:
    """A model with its pipeline and caches; use as an async context manager."""

    def __init__(
        self, encoder: Encoder, settings: EngineSettings, on_health: Callable[[bool], None] = lambda _: None
    ) -> None:
        """Sets up the model's threads and caches.

        Args:
            encoder: the model.
            settings: how images are decoded, batched and cached.
            on_health: see `Pipeline`.

        """
        self._encoder = encoder
        self._pipeline = Pipeline(
            encoder,
            partial(_prepare, encoder, settings),
            max_batch_size=settings.max_batch_size or encoder.images.default_batch_size,
            decode_threads=settings.decode_threads,
            hang_timeout_s=settings.hang_timeout_s,
            on_health=on_health,
        )
        self._images = CallImages(self._pipeline, settings.caches.image_bytes)
        self._texts = VectorCache[TextVectors](settings.caches.text_bytes)
        self._examples = VectorCache[Float32Array](settings.caches.example_bytes)
        self._stack = AsyncExitStack()

    @property
    def info(self) -> ModelInfo:
        """Facts about the model."""
        return self._encoder.info

    @property
    def head(self) -> ScoreHead:
        """The model's way from cosines to probabilities."""
        return self._encoder.head

    @property
    def model(self) -> Model:
        """The model as clients see it."""
        info = self.info
        height, width = info.image_size
        return Model(
            name=info.name,
            family=info.family,
            image_width=width,
            image_height=height,
            dimension=info.dimension,
            device=info.device,
            dtype=info.dtype,
            engine=info.engine,
            score_function=self.head.score_function,
            max_text_tokens=info.max_text_tokens,
            revision=info.revision,
            weights_digest=info.weights_digest,
            memory_bytes=info.memory_bytes,
            is_demo=info.is_demo,
        )

    @property
    def caches(self) -> Mapping[str, VectorCache[Float32Array] | VectorCache[TextVectors]]:
        """The caches by their contents' name."""
        images = {} if self._images.cache is None else {"images": self._images.cache}
        return {"texts": self._texts, "examples": self._examples, **images}

    @property
    def max_batch_size(self) -> int:
        """Inputs that the device takes at once."""
        return self._pipeline.max_batch_size

    @property
    def embedded_inputs(self) -> int:
        """Number of inputs that the model has embedded so far: not of those whose vectors were kept or reused."""
        return self._pipeline.embedded_inputs

    @property
    def hanging(self) -> tuple[str, ...]:
        """See `Pipeline.hanging`."""
        return self._pipeline.hanging

    @property
    def useful_short_side(self) -> int:
        """See StreamStarted.useful_short_side."""
        return self._encoder.preprocess.useful_short_side

    async def __aenter__(self) -> Self:
        await self._stack.enter_async_context(self._pipeline)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def stop(self) -> None:
        """See `Pipeline.stop`."""
        await self._stack.aclose()

    async def warm(self) -> None:
        """Runs the model once, so that the first caller doesn't wait for its preparation. Raises ModelLoadError."""
        await self._pipeline.warm()

    def announce(self, lane: Lane[Job]) -> None:
        """Puts a lane that has jobs into the order of turns; it is asked for them as soon as there is room."""
        self._pipeline.announce(lane)

    def retire(self, lane: Lane[Job]) -> None:
        """Forgets a lane."""
        self._pipeline.retire(lane)

    def scores(self, labels: LabelVectors, vectors: Float32Array) -> tuple[Sequence[LabelScore], ...]:
        """Scores the vectors of inputs, `[inputs, vector_size]`, against labels; scores come in the labels' order."""
        dimension = self.info.dimension
        return labels.score(vectors[:, :dimension], vectors[:, dimension:], self._encoder.head)

    async def score(self, image: Image, labels: LabelVectors) -> tuple[Sequence[LabelScore], Timings]:
        """Scores an image against labels; scores come in the labels' order.

        Args:
            image: the image.
            labels: the vectors that `label_vectors` returned for them.

        Raises:
            ImageTooLarge, UnsupportedFormat, UndecodableImage: with the field's path below the image.

        """
        embedded = await self._images.embed(image)
        (scores,) = self.scores(labels, embedded.vectors)
        return scores, embedded.timings

    async def similarities(
        self, queries: Mapping[str, Image], candidates: Mapping[str, Image]
    ) -> tuple[Float32Array, Timings]:
        """Returns the cosines of each query with each candidate, in [-1, 1], `[queries, candidates]`.

        Args:
            queries: images by their fields' paths.
            candidates: images by their fields' paths.

        Raises:
            ImageTooLarge, UnsupportedFormat, UndecodableImage: with the field's path.

        """
        found = await self._images.embed_all({**queries, **candidates})
        vectors = self._embeddings(found)
        return cosines(vectors[: len(queries)], vectors[len(queries) :]), _sum(found)

    async def embed(self, images: Mapping[str, Image], texts: Sequence[str]) -> Embeddings:
        """Returns the embeddings of images, given by their fields' paths, and of texts; raises as `similarities`."""
        found = await self._images.embed_all(images)
        vectors, timings = self._embeddings(found), _sum(found)
        info = self.info
        matrix, warnings = np.empty((0, info.dimension), np.float32), tuple[RequestWarning, ...]()
        if texts:
            read = await self._text_vectors(tuple((text,) for text in texts))
            matrix = read.matrix
            warnings = truncated_texts(texts, read.cut_off, info.max_text_tokens, "texts")
        return Embeddings(vectors, matrix, info.name, info.weights_digest, info.dimension, timings, warnings)

    def _embeddings(self, found: Sequence[Embedded]) -> Float32Array:
        dimension = self.info.dimension
        if not found:
            return np.empty((0, dimension), np.float32)
        return np.stack([embedded.vectors[0, :dimension] for embedded in found])

    async def label_vectors(
        self, label_set: LabelSet, *, by_probability: bool | None = None
    ) -> tuple[LabelVectors, tuple[RequestWarning, ...]]:
        """Returns the vectors of a label set, from the caches or computed once for all callers.

        With them come warnings about labels that say little (see `doubtful_labels` for `by_probability`) and about
        prompts that were cut off, with paths below the label set.

        Raises:
            ImageTooLarge, UnsupportedFormat, UndecodableImage: of an example, with its path below the label set.

        """
        texts = await self._text_vectors(text_groups(label_set))
        discriminants = {
            label.name: await self._discriminant(label, f"labels[{i}]")
            for i, label in enumerate(label_set.labels)
            if label.examples
        }
        doubtful = doubtful_labels(label_set, self.head.score_function, by_probability=by_probability)
        truncated = truncated_prompts(label_set, texts.cut_off, self.info.max_text_tokens)
        warnings = (*doubtful, *truncated)[:MAX_WARNINGS]
        return label_vectors(label_set, texts.matrix, discriminants), warnings

    async def _text_vectors(self, prompts: Prompts) -> TextVectors:
        """Embeddings of groups of texts, a row for each group."""
        return await computed_once(self._texts, prompts, partial(self._embed_texts, prompts))

    async def _discriminant(self, label: Label, path: str) -> Discriminant:
        try:
            fitted = await computed_once(self._examples, label.examples_key, partial(self._fit, label))
        except FieldError as error:
            raise error.under(path) from None
        return Discriminant(fitted[:-1], float(fitted[-1]))

    async def _embed_texts(self, prompts: Prompts) -> TextVectors:
        count = sum(map(len, prompts))
        texts = distinct_texts(prompts) if count <= _FEW_TEXTS else await asyncio.to_thread(distinct_texts, prompts)
        vectors, cut_off = await self._pipeline.embed_texts(texts)
        if count <= _FEW_TEXTS:
            return _text_vectors(prompts, vectors, cut_off)
        return await asyncio.to_thread(_text_vectors, prompts, vectors, cut_off)

    async def _fit(self, label: Label) -> Float32Array:
        """A label's discriminant as one vector, its offset last."""
        kinds = {"examples": label.examples, "counter_examples": label.counter_examples}
        images = {
            f"{field}[{i}]": image
            for field, kind in kinds.items()
            for i, image in enumerate(kind)
            if not isinstance(image, ImageKey)
        }
        found = await self._images.embed_all(images, _EXAMPLE)
        features = [embedded.vectors[:, self.info.dimension :] for embedded in found]
        count = len(label.examples)
        fitted = await asyncio.to_thread(
            fit_discriminant, np.concatenate(features[:count]), np.concatenate(features[count:])
        )
        return np.append(fitted.weights, np.float32(fitted.offset))


def _text_vectors(prompts: Prompts, vectors: Float32Array, cut_off: frozenset[str]) -> TextVectors:
    """The vectors of groups of texts, from those of the distinct ones."""
    text_bytes = sum(getsizeof(text) for group in prompts for text in group)
    return TextVectors(text_matrix(prompts, vectors), cut_off, text_bytes)


def _prepare(encoder: Encoder, settings: EngineSettings, image: Image, view: View) -> PreparedView:
    return prepare_view(
        image,
        view,
        encoder.preprocess,
        settings.decode_limits,
        reduced=settings.reduced_decode,
        room=settings.pixel_room,
    )


def _sum(found: Sequence[Embedded]) -> Timings:
    return sum((embedded.timings for embedded in found), Timings())
