"""Embeds many pictures: several calls at once, each with a few of them, so that the server's batches fill."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterator

import grpc

from framewatch_cli.index.sources import Picture
from framewatch_client import AsyncFramewatchClient, Embeddings, FramewatchCallError, Model
from framewatch_core.arrays import Float32Array

CALLS_AT_ONCE = 4
MAX_SUSPECTS = 8
"""Pictures that may fail one after the other, each alone and without a word on why, until the server is at fault."""

CALL_TIMEOUT_S = 300.0
"""Large models on few cores take seconds a picture, and calls wait for each other."""

BATCH_PICTURES = 8
BATCH_BYTES = 16 * 1024 * 1024
"""Of a call's pictures, unless one alone has more."""

_IMAGE = re.compile(r"images\[(\d+)\]")
_UNEXPLAINED = frozenset({grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN})

Take = Callable[[Picture, Float32Array], object]
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
        refuse: told of each picture that the server can't read or embed, and why.

    Raises:
        FramewatchCallError: the server said no to anything else, or to all. What was taken stays taken.

    """
    batches = in_batches(pictures)
    turn = asyncio.Lock()
    run = _Run(client, model, take, refuse)

    async def work() -> None:
        while batch := await _next_batch(batches, turn):
            await run.embed(batch)

    workers = [asyncio.create_task(work(), name="framewatch-embed") for _ in range(CALLS_AT_ONCE)]
    try:
        await asyncio.gather(*workers)
        run.end()
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


class _Run:
    """Embeds batches, and finds out which pictures can't be."""

    def __init__(self, client: AsyncFramewatchClient, model: Model, take: Take, refuse: RefusePicture) -> None:
        """As of `embed_pictures`."""
        self._client = client
        self._model = model
        self._take = take
        self._refuse = refuse
        self._suspects: list[tuple[Picture, FramewatchCallError]] = []
        self._has_answered = False

    async def embed(self, batch: list[Picture]) -> None:
        """Embeds a batch; one that can't be read is taken out, and the others are sent again."""
        while batch:
            try:
                answer = await self._client.embed([picture.data for picture in batch], model=self._model.name)
            except FramewatchCallError as error:
                number = refused_image(error, len(batch))
                if number is None:
                    await self._find_guilty(batch, error)
                    return
                self._leave_out(batch.pop(number), error)
            else:
                check_weights(answer, self._model)
                self._answered()
                for picture, vector in zip(batch, answer.images, strict=True):
                    self._take(picture, vector)
                return

    async def _find_guilty(self, batch: list[Picture], error: FramewatchCallError) -> None:
        """Sends each picture of a batch alone, if one of them may have failed it without being named."""
        if not may_be_one_picture(error, len(batch)):
            raise error
        if len(batch) > 1:
            for picture in batch:
                await self.embed([picture])
            return
        self._suspects.append((batch[0], error))
        if len(self._suspects) >= MAX_SUSPECTS:
            raise self._all_failed()

    def _answered(self) -> None:
        """The server works: what failed alone before it has itself to blame."""
        self._has_answered = True
        for picture, error in self._suspects:
            self._leave_out(picture, error)
        self._suspects.clear()

    def end(self) -> None:
        """Settles the last failures. Raises FramewatchCallError if there has been nothing else."""
        if self._suspects and not self._has_answered:
            raise self._all_failed()
        self._answered()

    def _all_failed(self) -> FramewatchCallError:
        names = ", ".join(picture.file.path.name for picture, _ in self._suspects)
        error = self._suspects[-1][1]
        message = f"{error.message}; each of these failed alone, too, and no other was embedded meanwhile: {names}"
        return FramewatchCallError(error.code, error.reason, message, metadata=error.metadata)

    def _leave_out(self, picture: Picture, error: FramewatchCallError) -> None:
        self._refuse(picture, f"{error.message} [{error.reason}]")


def refused_image(error: FramewatchCallError, count: int) -> int | None:
    """Which of a call's `count` images failed it; None: the fault lies elsewhere."""
    for path in error.fields:
        named = _IMAGE.match(path)
        if named is not None and int(named[1]) < count:
            return int(named[1])
    return 0 if _is_too_large(error) and count == 1 else None


def may_be_one_picture(error: FramewatchCallError, count: int) -> bool:
    """Whether a call of `count` images, none of which the error names, may have failed by one of them."""
    return error.code in _UNEXPLAINED or (_is_too_large(error) and count > 1)


def _is_too_large(error: FramewatchCallError) -> bool:
    """Whether gRPC itself found the message too large, of which it says no more."""
    return error.code is grpc.StatusCode.RESOURCE_EXHAUSTED and error.reason == error.code.name


def check_weights(answer: Embeddings, model: Model) -> None:
    """Raises FramewatchCallError if other weights answered than those of the model: the server has been replaced."""
    if answer.weights_digest != model.weights_digest:
        raise FramewatchCallError(
            grpc.StatusCode.ABORTED,
            "MODEL_REPLACED",
            f"the server's model {model.name} has other weights now ({answer.weights_digest}, before "
            f"{model.weights_digest}), and their vectors can't be compared: start again",
        )
