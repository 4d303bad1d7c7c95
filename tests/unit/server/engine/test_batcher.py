"""The batcher's own order, with a fake encoder whose answer is the picture's first pixel."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from framewatch_core.errors import ServerDraining
from framewatch_core.scoring import Float32Array, ScoreHead
from framewatch_server.engine.batcher import Batcher
from framewatch_server.vision.encoder import ModelInfo
from framewatch_server.vision.preprocess import PreprocessSpec


class FakeEncoder:
    """Records its batches; holds the first one back until released."""

    info = ModelInfo("fake", "clip", (1, 1), 1, "cpu", "float32")
    preprocess = PreprocessSpec((1, 1), None, 3, (0.0,) * 3, (1.0,) * 3)
    head = ScoreHead(1.0)

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.entered = threading.Event()
        self.released = threading.Event()
        self.failure: Exception | None = None

    def encode_images(self, pixels: npt.NDArray[np.uint8]) -> Float32Array:
        values = pixels[:, 0, 0, 0]
        self.batches.append(values.tolist())
        self.entered.set()
        assert self.released.wait(30)
        if self.failure is not None:
            raise self.failure
        return values[:, None].astype(np.float32)

    def encode_texts(self, texts: Sequence[str]) -> Float32Array:
        return np.ones((len(texts), 1), np.float32)


def pixel(value: int) -> npt.NDArray[np.uint8]:
    return np.full((3, 1, 1), value, np.uint8)


def embed(batcher: Batcher, *values: int) -> list[asyncio.Task[Any]]:
    return [asyncio.create_task(batcher.embed(pixel(value))) for value in values]


async def busy(batcher: Batcher, encoder: FakeEncoder) -> asyncio.Task[Any]:
    """Lets a first picture occupy the device."""
    (first,) = embed(batcher, 0)
    await asyncio.to_thread(encoder.entered.wait)
    return first


async def started(tasks: Sequence[asyncio.Task[Any]]) -> None:
    """Lets the tasks run up to their wait."""
    for _ in tasks:
        await asyncio.sleep(0)


async def test_what_arrives_while_the_device_is_busy_is_one_batch_in_order() -> None:
    encoder = FakeEncoder()
    async with Batcher(encoder, 3) as batcher:
        first = await busy(batcher, encoder)
        later = embed(batcher, 1, 2, 3, 4, 5)
        await started(later)
        encoder.released.set()
        results = await asyncio.gather(first, *later)
    assert encoder.batches == [[0], [1, 2, 3], [4, 5]]
    assert [result.vector.tolist() for result in results] == [[0], [1], [2], [3], [4], [5]]
    assert [result.batch_size for result in results] == [1, 3, 3, 3, 2, 2]


async def test_a_caller_that_is_gone_costs_no_place() -> None:
    encoder = FakeEncoder()
    async with Batcher(encoder, 8) as batcher:
        first = await busy(batcher, encoder)
        later = embed(batcher, 1, 2, 3)
        await started(later)
        later[1].cancel()
        await asyncio.wait([later[1]])
        encoder.released.set()
        await asyncio.gather(first, later[0], later[2])
    assert encoder.batches == [[0], [1, 3]]


async def test_a_caller_that_goes_while_its_batch_runs_harms_nobody() -> None:
    encoder = FakeEncoder()
    async with Batcher(encoder, 8) as batcher:
        first = await busy(batcher, encoder)
        first.cancel()
        later = embed(batcher, 1)
        await started(later)
        encoder.released.set()
        assert (await later[0]).vector.tolist() == [1]


async def test_a_failure_reaches_every_waiter_of_the_batch_and_no_other() -> None:
    encoder = FakeEncoder()
    encoder.failure = RuntimeError("device lost")
    async with Batcher(encoder, 8) as batcher:
        first = await busy(batcher, encoder)
        encoder.released.set()
        with pytest.raises(RuntimeError, match="device lost"):
            await first
        results = await asyncio.gather(*embed(batcher, 1, 2), return_exceptions=True)
        assert [str(result) for result in results] == ["device lost", "device lost"]
        encoder.failure = None
        assert (await batcher.embed(pixel(3))).vector.tolist() == [3]


async def test_stopping_answers_everyone() -> None:
    encoder = FakeEncoder()
    batcher = Batcher(encoder, 1)
    await batcher.__aenter__()
    first = await busy(batcher, encoder)
    later = embed(batcher, 1, 2)
    await started(later)
    stopping = asyncio.create_task(batcher.__aexit__())
    await started([stopping])
    encoder.released.set()
    await stopping
    results = await asyncio.gather(first, *later, return_exceptions=True)
    assert [type(result) for result in results] == [ServerDraining] * 3
    with pytest.raises(Exception, match="not running"):
        await batcher.embed(pixel(4))
