"""What the service asks of a model: decode → embed → score."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from sys import getsizeof
from typing import Self

import numpy as np

from framewatch_core.arrays import Float32Array
from framewatch_core.errors import FieldError
from framewatch_core.images.image import Image, ImageKey
from framewatch_core.labels.labels import Label, LabelSet
from framewatch_core.labels.presence import Discriminant, fit_discriminant
from framewatch_core.labels.scoring import LabelScore, ScoreHead, cosines
from framewatch_core.labels.vectors import LabelVectors, label_vectors, text_groups
from framewatch_core.labels.warnings import RequestWarning, truncated_prompts, truncated_texts
from framewatch_core.stream.messages import Timings
from framewatch_core.stream.queueing import Lane
from framewatch_server.engine.call_images import CallImages
from framewatch_server.engine.jobs import Embedded, Job
from framewatch_server.engine.once import computed_once
from framewatch_server.engine.pipeline import Pipeline
from framewatch_server.vision.pixels.decode import DecodeLimits
from framewatch_server.vision.pixels.view import View, look
from framewatch_server.vision.towers.encoder import Encoder, ModelInfo
from framewatch_server.vision.vector_cache import Prompts, TextVectors, VectorCache, distinct_texts, text_matrix

# Texts embedded between two batches of pictures: a large label set must not hold up the streams.
_TEXTS_AT_ONCE = 32

_EXAMPLE = View(is_example=True)


@dataclass(frozen=True, slots=True, eq=False)
class Embeddings:
    """Vectors of images and texts.

    Attributes:
        images: L2-normalised, `[images, dimension]`.
        texts: L2-normalised, `[texts, dimension]`.
        timings: of the images.
        warnings: of texts that were cut off, with paths below the request.

    """

    images: Float32Array
    texts: Float32Array
    timings: Timings
    warnings: tuple[RequestWarning, ...]


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
        image_cache_bytes: int,
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
            image_cache_bytes: of the vectors of calls' pictures; 0: none are kept.
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
        self._images = CallImages(self._pipeline, image_cache_bytes)
        self._texts = VectorCache[TextVectors](text_cache_bytes)
        self._examples = VectorCache[Float32Array](example_cache_bytes)
        self._stack = AsyncExitStack()

    @property
    def info(self) -> ModelInfo:
        """The model."""
        return self._encoder.info

    @property
    def head(self) -> ScoreHead:
        """How the model turns cosines into probabilities."""
        return self._encoder.head

    @property
    def caches(self) -> Mapping[str, VectorCache[Float32Array] | VectorCache[TextVectors]]:
        """What is kept so that it is not computed again, by what it is of."""
        images = {} if self._images.cache is None else {"images": self._images.cache}
        return {"texts": self._texts, "examples": self._examples, **images}

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
        await self._stack.aclose()

    async def warm(self) -> None:
        """Prepares the model, so that the first caller doesn't pay for it."""
        await self._pipeline.run_on_device(self._encoder.images.warm, self._max_batch_size)
        await self._pipeline.run_on_device(self._encoder.texts.encode, ["a photo"])

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
        embedded = await self._images.embed(image)
        return self.scores(labels, embedded.vectors[0]), embedded.timings

    async def similarities(
        self, queries: Mapping[str, Image], candidates: Mapping[str, Image]
    ) -> tuple[Float32Array, Timings]:
        """Cosines of each query with each candidate, in [-1, 1], `[queries, candidates]`.

        Args:
            queries: images by their fields' paths.
            candidates: likewise.

        Raises:
            as `score`, with the field's path.

        """
        found = await self._images.embed_all({**queries, **candidates})
        vectors = self._embeddings(found)
        return cosines(vectors[: len(queries)], vectors[len(queries) :]), _sum(found)

    async def embed(self, images: Mapping[str, Image], texts: Sequence[str]) -> Embeddings:
        """Vectors of images, given by their fields' paths, and of texts; raises as `similarities`."""
        found = await self._images.embed_all(images)
        vectors, timings = self._embeddings(found), _sum(found)
        if not texts:
            return Embeddings(vectors, np.empty((0, self.info.dimension), np.float32), timings, ())
        read = await self._text_vectors(tuple((text,) for text in texts))
        warnings = truncated_texts(texts, read.cut_off, self.info.max_text_tokens, "texts")
        return Embeddings(vectors, read.matrix, timings, warnings)

    def _embeddings(self, found: Sequence[Embedded]) -> Float32Array:
        dimension = self.info.dimension
        if not found:
            return np.empty((0, dimension), np.float32)
        return np.stack([embedded.vectors[0, :dimension] for embedded in found])

    async def label_vectors(self, label_set: LabelSet) -> tuple[LabelVectors, tuple[RequestWarning, ...]]:
        """What the label set's scores are computed with, from the caches or computed once for all who ask.

        With it come warnings of prompts that were cut off, their paths below the label set.

        Raises:
            ImageTooLarge, UnsupportedFormat, UndecodableImage: of an example, with its path below the label set.

        """
        texts = await self._text_vectors(text_groups(label_set))
        discriminants = {
            label.name: await self._discriminant(label, f"labels[{i}]")
            for i, label in enumerate(label_set.labels)
            if label.examples
        }
        warnings = truncated_prompts(label_set, texts.cut_off, self.info.max_text_tokens)
        return label_vectors(label_set, texts.matrix, discriminants), warnings

    async def _text_vectors(self, prompts: Prompts) -> TextVectors:
        """The embeddings of groups of texts, one row each."""
        return await computed_once(self._texts, prompts, partial(self._embed_texts, prompts))

    async def _discriminant(self, label: Label, path: str) -> Discriminant:
        try:
            learned = await computed_once(self._examples, label.examples_key, partial(self._learn, label))
        except FieldError as error:
            raise error.under(path) from None
        return Discriminant(learned[:-1], float(learned[-1]))

    async def _embed_texts(self, prompts: Prompts) -> TextVectors:
        texts = distinct_texts(prompts)
        parts = [
            await self._pipeline.run_on_device(self._read, texts[i : i + _TEXTS_AT_ONCE])
            for i in range(0, len(texts), _TEXTS_AT_ONCE)
        ]
        vectors = np.concatenate([part for part, _ in parts])
        cut_off = frozenset[str]().union(*(cut_off for _, cut_off in parts))
        text_bytes = sum(getsizeof(text) for group in prompts for text in group)
        return TextVectors(text_matrix(prompts, vectors), cut_off, text_bytes)

    def _read(self, texts: Sequence[str]) -> tuple[Float32Array, frozenset[str]]:
        """Embeddings, and which of the texts were cut off; on the device thread."""
        return self._encoder.texts.encode(texts), self._encoder.texts.cut_off(texts)

    async def _learn(self, label: Label) -> Float32Array:
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
        learned = fit_discriminant(np.concatenate(features[:count]), np.concatenate(features[count:]))
        return np.append(learned.weights, np.float32(learned.offset))


def _sum(found: Sequence[Embedded]) -> Timings:
    return sum((embedded.timings for embedded in found), Timings())
