"""Embeds many pictures: several calls at once, each with a few of them, so that the server's batches fill."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterator

import grpc

from framewatch_client.answers import FloatArray
from framewatch_client.client import AsyncFramewatchClient
from framewatch_client.embeddings import Embeddings
from framewatch_client.errors import FramewatchCallError
from framewatch_client.index_sources import Picture
from framewatch_client.models import Model

CALLS_AT_ONCE = 4
CALL_TIMEOUT_S = 300.0
"""Large models on few cores take seconds a picture, and calls wait for each other."""

BATCH_PICTURES = 8
BATCH_BYTES = 16 * 1024 * 1024
"""Of a call's pictures, unless one alone has more."""

_IMAGE = re.compile(r"images\[(\d+)\]")

Take = Callable[[Picture, FloatArray], object]
RefusePicture = Callable[[Picture, str], object]


async def embed_pictures(
    client: AsyncFramewatchClient, pictures: Iterator[Picture], model: Model, take: Take, refuse: RefusePicture
) -> None:
    """Embeds pictures, in no certain order.

    Args:
        client: of the server.
        pictures: read on other threads, one batch at a time and only when there is a call for it.
        model: one of the server's.
        take: given each picture with its vector, float32 `[dimension]`.
        refuse: told of each picture that the server can't read, and why.

    Raises:
        FramewatchCallError: the server said no to anything else. What was taken stays taken.

    """
    batches = in_batches(pictures)
    turn = asyncio.Lock()

    async def work() -> None:
        while batch := await _next_batch(batches, turn):
            await _embed_batch(client, batch, model, take, refuse)

    workers = [asyncio.create_task(work(), name="framewatch-embed") for _ in range(CALLS_AT_ONCE)]
    try:
        await asyncio.gather(*workers)
    finally:
        for worker in workers:
            worker.cancel()
        await asyncio.wait(workers)


def in_batches(pictures: Iterator[Picture]) -> Iterator[list[Picture]]:
    """Pictures in lists of at most BATCH_PICTURES, and of BATCH_BYTES unless one alone has more."""
    batch: list[Picture] = []
    size = 0
    for picture in pictures:
        if batch and (len(batch) == BATCH_PICTURES or size + len(picture.data) > BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(picture)
        size += len(picture.data)
    if batch:
        yield batch


async def _next_batch(batches: Iterator[list[Picture]], turn: asyncio.Lock) -> list[Picture]:
    """The next pictures; none: there are no more."""
    async with turn:
        return await asyncio.to_thread(next, batches, [])


async def _embed_batch(
    client: AsyncFramewatchClient, batch: list[Picture], model: Model, take: Take, refuse: RefusePicture
) -> None:
    """Embeds a batch; one that can't be read is taken out, and the others are sent again."""
    while batch:
        try:
            answer = await client.embed([picture.data for picture in batch], model=model.name)
        except FramewatchCallError as error:
            number = refused_image(error, len(batch))
            if number is None:
                raise
            refuse(batch.pop(number), f"{error.message} [{error.reason}]")
        else:
            check_weights(answer, model)
            for picture, vector in zip(batch, answer.images, strict=True):
                take(picture, vector)
            return


def refused_image(error: FramewatchCallError, count: int) -> int | None:
    """Which of a call's `count` images failed it; None: the fault lies elsewhere."""
    for path in error.fields:
        named = _IMAGE.match(path)
        if named is not None and int(named[1]) < count:
            return int(named[1])
    # gRPC itself says no more of a message that is too large
    too_large = error.code is grpc.StatusCode.RESOURCE_EXHAUSTED and error.reason == error.code.name
    return 0 if too_large and count == 1 else None


def check_weights(answer: Embeddings, model: Model) -> None:
    """Raises FramewatchCallError if other weights answered than those of the model: the server has been replaced."""
    if answer.weights_digest != model.weights_digest:
        raise FramewatchCallError(
            grpc.StatusCode.ABORTED,
            "MODEL_REPLACED",
            f"the server's model {model.name} has other weights now ({answer.weights_digest}, before "
            f"{model.weights_digest}), and their vectors can't be compared: start again",
        )
