"""What the service asks of a model: decode → embed → score."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from functools import partial
from typing import Self

import numpy as np

from framewatch_core.errors import FieldError, InternalError, ServerDraining
from framewatch_core.frames import Timings
from framewatch_core.images import Image
from framewatch_core.labels import LabelSet
from framewatch_core.scoring import Float32Array, LabelScore, cosine, score_labels
from framewatch_server.engine.batcher import Batcher
from framewatch_server.vision.decode import DecodeLimits, UInt8Array, decode
from framewatch_server.vision.encoder import Encoder, ModelInfo
from framewatch_server.vision.preprocess import prepare
from framewatch_server.vision.text_cache import Prompts, TextCache, distinct_texts, text_matrix

# Texts embedded between two batches of pictures: a large label set must not hold up the streams.
_TEXTS_AT_ONCE = 32


class Scorer:
    """One model with its decode pool, batcher and text cache; use as an async context manager."""

    def __init__(
        self,
        encoder: Encoder,
        *,
        limits: DecodeLimits,
        max_batch_size: int,
        decode_threads: int,
        text_cache_bytes: int,
        reduced_decode: bool,
    ) -> None:
        """`reduced_decode`: large JPEGs are decoded at a fraction of their size where the model would not see more."""
        self._encoder = encoder
        self._limits = limits
        self._max_batch_size = max_batch_size
        self._min_size = encoder.preprocess.min_decoded_size if reduced_decode else None
        self._decoders = ThreadPoolExecutor(decode_threads, thread_name_prefix="decode")
        self._batcher = Batcher(encoder, max_batch_size)
        self._texts = TextCache(text_cache_bytes)
        self._computing: set[asyncio.Task[None]] = set()
        self._stack = AsyncExitStack()

    @property
    def info(self) -> ModelInfo:
        """The model."""
        return self._encoder.info

    @property
    def useful_short_side(self) -> int:
        """See StreamStarted.useful_short_side."""
        return self._encoder.preprocess.useful_short_side

    async def __aenter__(self) -> Self:
        await self._stack.enter_async_context(self._batcher)
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._computing:
            task.cancel()
        await self._stack.aclose()
        await asyncio.to_thread(self._decoders.shutdown, cancel_futures=True)

    async def warm(self) -> None:
        """Runs the model at its smallest and largest batch, so that the first caller doesn't pay for it."""
        height, width = self.info.image_size
        for size in {1, self._max_batch_size}:
            pixels = np.zeros((size, 3, height, width), np.uint8)
            await self._batcher.run_on_device(self._encoder.encode_images, pixels)
        await self._batcher.run_on_device(self._encoder.encode_texts, ["a photo"])

    async def score(self, image: Image, label_set: LabelSet) -> tuple[tuple[LabelScore, ...], Timings]:
        """Scores an image against a label set; scores come in the labels' order.

        Raises:
            ImageTooLarge, UnsupportedFormat, UndecodableImage: with the field's path below the image.

        """
        texts = await self.text_matrix(label_set)
        vector, timings = await self.embed(image)
        return score_labels(label_set.names, vector, texts, self._encoder.head), timings

    async def similarities(self, query: Image, candidates: Sequence[Image]) -> tuple[list[float], Timings]:
        """Cosines of the query with each candidate, in order, in [-1, 1]. Raises as `score`, with the field's path."""
        images = {"query": query, **{f"candidates[{i}]": image for i, image in enumerate(candidates)}}
        tasks = [asyncio.ensure_future(self._embed_field(image, field)) for field, image in images.items()]
        try:
            embedded = await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
        vectors = np.stack([vector for vector, _ in embedded])
        timings = sum((timings for _, timings in embedded), Timings())
        return cosine(vectors[1:], vectors[0]).tolist(), timings

    async def _embed_field(self, image: Image, field: str) -> tuple[Float32Array, Timings]:
        try:
            return await self.embed(image)
        except FieldError as error:
            raise error.under(field) from None

    async def embed(self, image: Image) -> tuple[Float32Array, Timings]:
        """The L2-normalised embedding `[dimension]` of an image."""
        asked_ns = time.perf_counter_ns()
        loop = asyncio.get_running_loop()
        pixels, started_ns, ended_ns = await loop.run_in_executor(self._decoders, partial(self._read, image))
        embedded = await self._batcher.embed(pixels)
        if not np.isfinite(embedded.vector).all():
            raise InternalError("the model gave no finite numbers for this image")
        queue_ns = started_ns - asked_ns + embedded.queue_ns
        return embedded.vector, Timings(ended_ns - started_ns, queue_ns, embedded.inference_ns, embedded.batch_size)

    def _read(self, image: Image) -> tuple[UInt8Array, int, int]:
        """On a decode thread: the model's input, and when that began and ended."""
        started_ns = time.perf_counter_ns()
        pixels = decode(image, self._limits, self._min_size)
        prepared = prepare(pixels, self._encoder.preprocess, exact=self._min_size is None)
        return prepared, started_ns, time.perf_counter_ns()

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
                await self._batcher.run_on_device(self._encoder.encode_texts, texts[i : i + _TEXTS_AT_ONCE])
                for i in range(0, len(texts), _TEXTS_AT_ONCE)
            ]
            self._texts.fulfil(prompts, text_matrix(prompts, np.concatenate(parts)))
        except asyncio.CancelledError:
            self._texts.give_up(prompts, ServerDraining("the server is stopping: try again"))
            raise
        except Exception as error:
            self._texts.give_up(prompts, error)
