"""The cache of the images of calls."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest

from framewatch_core.errors import UndecodableImage
from framewatch_core.images.image import EncodedImage, ImageKey
from framewatch_server.engine.call_images import CallImages
from tests.unit.framewatch_server.engine.rig import BROKEN, Rig


def pictures(*values: int) -> dict[str, EncodedImage]:
    return {f"images[{i}]": EncodedImage(bytes([value])) for i, value in enumerate(values)}


def kept(images: CallImages, value: int) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    assert images.cache is not None
    claim = images.cache.claim(ImageKey.of(EncodedImage(bytes([value]))))
    assert not claim.must_compute
    return claim.value.result()


async def test_an_image_is_embedded_once() -> None:
    async with Rig() as rig:
        rig.encoder.released.set()
        images = CallImages(rig.pipeline, 1000)
        found = await asyncio.gather(*(images.embed_all(pictures(1, 2, 1)) for _ in range(3)))
        assert [[int(each.vectors[0, 0]) for each in call] for call in found] == [[1, 2, 1]] * 3
        assert sorted(rig.read) == [1, 2]


async def test_cached_vectors_are_the_images_alone_and_can_not_be_changed() -> None:
    async with Rig(max_batch_size=8) as rig:
        rig.encoder.released.set()
        images = CallImages(rig.pipeline, 1000)
        (first, *_) = await images.embed_all(pictures(1, 2, 3, 4))
        vectors = kept(images, 1)
        assert vectors.base is None, "a part of its batch would keep the whole of it"
        with pytest.raises(ValueError, match="read-only"):
            first.vectors[0, 0] = 9


async def test_without_a_cache_every_image_is_embedded() -> None:
    async with Rig() as rig:
        rig.encoder.released.set()
        images = CallImages(rig.pipeline, 0)
        await images.embed_all(pictures(1, 1))
        assert rig.read == [1, 1]


async def test_each_caller_with_a_broken_image_gets_its_own_path_and_nothing_is_cached() -> None:
    async with Rig() as rig:
        rig.encoder.released.set()
        images = CallImages(rig.pipeline, 1000)
        calls = [images.embed_all(pictures(1, BROKEN)), images.embed_all(pictures(BROKEN))]
        found = await asyncio.gather(*calls, return_exceptions=True)
        assert all(isinstance(error, UndecodableImage) for error in found)
        assert [error.field for error in found if isinstance(error, UndecodableImage)] == [
            "images[1].encoded",
            "images[0].encoded",
        ]
        with pytest.raises(UndecodableImage):
            await images.embed(EncodedImage(bytes([BROKEN])))


@pytest.mark.parametrize(
    "raised", [StopIteration(), StopAsyncIteration(), SystemExit(), KeyboardInterrupt()], ids=lambda e: type(e).__name__
)
@pytest.mark.parametrize("cache_bytes", [0, 1000], ids=["no cache", "cache"])
async def test_a_call_is_answered_whatever_the_encoder_raises(raised: BaseException, cache_bytes: int) -> None:
    """asyncio's futures refuse StopIteration: such a call was never answered."""
    async with Rig() as rig:
        rig.encoder.released.set()
        rig.encoder.failure = raised
        images = CallImages(rig.pipeline, cache_bytes)
        with pytest.raises(RuntimeError, match=type(raised).__name__):
            await asyncio.wait_for(images.embed(EncodedImage(bytes([1]))), 30)
        rig.encoder.failure = None
        assert (await images.embed(EncodedImage(bytes([2])))).vectors[0, 0] == 2


async def test_images_of_a_cancelled_call_cost_neither_decoding_nor_device_time() -> None:
    async with Rig(max_batch_size=2) as rig:
        first = await rig.busy()
        images = CallImages(rig.pipeline, 1000)
        call = asyncio.create_task(images.embed_all(pictures(*range(1, 13))))
        await rig.decoded(5)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        await asyncio.sleep(0)
        rig.encoder.released.set()
        assert await first.results() == [0]
        await images.embed(EncodedImage(bytes([50])))
        assert rig.encoder.batches == [[0], [50]]
        assert set(rig.read) <= {0, 1, 2, 3, 4, 50}
