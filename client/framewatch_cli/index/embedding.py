"""Vectors of many pictures: several calls at once, each with a few pictures, so that the server's batches fill."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import aclosing
from typing import NoReturn

from framewatch_cli.index.sources import Picture
from framewatch_cli.pictures.calls import in_thread, map_in_order
from framewatch_cli.pictures.faults import AllPicturesFailed, Fault, fault_of, fault_text, picture_at_fault
from framewatch_cli.pictures.model import check_weights
from framewatch_client import AsyncFramewatchClient, FramewatchCallError, Model
from framewatch_core.arrays import Float32Array

CALLS_AT_ONCE = 4
MAX_SUSPECTS = 8
"""Pictures that may fail alone, unexplained and without a success between them, before the server is at fault."""

BATCH_PICTURES = 8
BATCH_BYTES = 16 * 1024 * 1024
"""Limit of a call's pictures, unless one alone has more."""

Take = Callable[[Picture, Float32Array], object]
SkipPicture = Callable[[Picture, str], object]


async def embed_pictures(
    client: AsyncFramewatchClient, pictures: Iterator[Picture], model: Model, take: Take, skip: SkipPicture
) -> None:
    """Embeds pictures.

    Args:
        client: of the server.
        pictures: read on other threads, one batch at a time and only when a call can begin with it.
        model: one of the server's.
        take: called with each picture and its vector, float32 `[dimension]`, in no certain order.
        skip: called with each picture that the server can't read or embed, and the reason.

    Raises:
        FramewatchCallError: the server refused something else. What was taken stays taken, here and below.
        AllPicturesFailed: it refused every picture.
        ModelReplaced: the model has other weights now.
        InvalidResponse: an answer does not fit its call.

    """
    embedding = _Embedding(client, model, take, skip)
    batches = map_in_order(embedding.embed, in_thread(in_batches(pictures)), CALLS_AT_ONCE)
    async with aclosing(batches):
        async for _ in batches:
            pass
    embedding.end()


def in_batches(pictures: Iterator[Picture]) -> Iterator[list[Picture]]:
    """Yields lists of at most BATCH_PICTURES pictures, and of BATCH_BYTES unless one alone has more."""
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


class _Embedding:
    """Embeds batches, and finds out which pictures can't be embedded.

    A picture that fails alone without an explanation is a suspect. Once another one is embedded, the server works, and
    suspects are at fault. If too many suspects come before that, the server is.
    """

    def __init__(self, client: AsyncFramewatchClient, model: Model, take: Take, skip: SkipPicture) -> None:
        """Takes the arguments of `embed_pictures`."""
        self._client = client
        self._model = model
        self._take = take
        self._skip = skip
        self._suspects: list[tuple[Picture, FramewatchCallError]] = []
        self._has_succeeded = False

    async def embed(self, batch: list[Picture]) -> None:
        """Embeds a batch; a picture that can't be read is taken out, and the others are sent again."""
        while batch:
            try:
                answer = await self._client.embed([picture.data for picture in batch], model=self._model.name)
            except FramewatchCallError as error:
                fault, number = fault_of(error, len(batch)), picture_at_fault(error, len(batch))
                if fault is Fault.SHARED:
                    raise
                if number is None:
                    await self._embed_each(batch, error)
                    return
                self._skip(batch.pop(number), fault_text(error))
            else:
                check_weights(self._model.name, self._model.weights_digest, answer.weights_digest, results="vectors")
                self._succeed()
                for picture, vector in zip(batch, answer.images, strict=True):
                    self._take(picture, vector)
                return

    async def _embed_each(self, batch: list[Picture], error: FramewatchCallError) -> None:
        """Sends each picture of a batch alone; the only picture of a batch becomes a suspect."""
        if len(batch) > 1:
            for picture in batch:
                await self.embed([picture])
            return
        self._suspects.append((batch[0], error))
        if len(self._suspects) >= MAX_SUSPECTS:
            self._raise_all_failed()

    def _succeed(self) -> None:
        self._has_succeeded = True
        for picture, error in self._suspects:
            self._skip(picture, fault_text(error))
        self._suspects.clear()

    def end(self) -> None:
        """Skips the last suspects. Raises AllPicturesFailed if no picture was embedded at all."""
        if self._suspects and not self._has_succeeded:
            self._raise_all_failed()
        self._succeed()

    def _raise_all_failed(self) -> NoReturn:
        names = ", ".join(picture.file.path.name for picture, _ in self._suspects)
        error = self._suspects[-1][1]
        message = f"{error.message}; each of these failed alone, too, and no other was embedded meanwhile: {names}"
        raise AllPicturesFailed(message, error) from error
