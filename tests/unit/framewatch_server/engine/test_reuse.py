"""Frames that show nothing new are scored by an earlier frame's embedding, whatever becomes of that."""

from __future__ import annotations

import asyncio
import gc
import random
import threading
import weakref
from dataclasses import dataclass

import numpy as np
import pytest

from framewatch_core.errors import ServerDraining
from framewatch_core.images.image import EncodedImage
from framewatch_core.stream.reuse import ReusePolicy
from framewatch_core.time import Moment
from framewatch_server.engine.jobs import Embedded, Job
from framewatch_server.engine.reuse import MAX_KEPT_BYTES, EmbeddingReuse
from framewatch_server.vision.pixels.view import WHOLE
from tests.unit.framewatch_server.engine.rig import BROKEN, POISON, Rig, Source, Waiting


class Camera(Source):
    """A stream of one-coloured frames, one a nanosecond, numbered from 0."""

    def __init__(self, *values: int, policy: ReusePolicy, extra: int = 0) -> None:
        super().__init__()
        reuse = EmbeddingReuse[Job]()
        for i, value in enumerate(values):
            image = EncodedImage(bytes([value] * (1 + extra)))
            job = Waiting(value, self.changed.set, reuse)
            reuse.expect(job, policy, Moment(i, i), image, job.view)
            self.jobs.append(job)
        self.waiting.extend(self.jobs)

    def reused(self) -> list[int | None]:
        return [job.result.reused_frame_id if isinstance(job.result, Embedded) else -1 for job in self.jobs]


@dataclass(frozen=True)
class Case:
    values: tuple[int, ...]
    policy: ReusePolicy
    reused: tuple[int | None, ...]


EXACT = ReusePolicy()
CASES = {
    "the same files": Case((1, 1, 1, 2, 2), EXACT, (None, 0, 0, None, 3)),
    "compared with the embedded frame, which a file seen before it is not": Case((1, 2, 1), EXACT, (None, None, None)),
    "little change": Case((10, 12, 9, 10), ReusePolicy(3 / 255), (None, 0, 0, 0)),
    "much change": Case((10, 14, 18), ReusePolicy(3 / 255), (None, None, None)),
    "slow change adds up": Case((10, 12, 14, 16, 18), ReusePolicy(5 / 255), (None, 0, 0, None, 3)),
    "embedded anew from the age on": Case((1, 1, 1, 1, 1, 1, 1), ReusePolicy(max_age_ns=3), (None, 0, 0, None, 3, 3, None)),
    "age counts for little change too": Case((1, 2, 1, 2), ReusePolicy(0.1, 2), (None, 0, None, 2)),
    "never": Case((1, 1, 1), ReusePolicy(0.5, 0), (None, None, None)),
    "a broken frame fails and is no source frame": Case((1, BROKEN, 1), EXACT, (None, -1, 0)),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
async def test_who_reuses_whose_embedding(case: Case) -> None:
    rig = Rig()
    rig.encoder.released.set()
    camera = Camera(*case.values, policy=case.policy)
    async with rig:
        rig.pipeline.announce(camera)
        await camera.results()
    assert camera.reused() == list(case.reused)
    embedded = [value for value, of in zip(case.values, case.reused, strict=True) if of is None]
    assert [value for batch in rig.encoder.batches for value in batch] == embedded


async def test_a_reusing_frame_has_its_source_frames_embedding_and_its_own_timings() -> None:
    rig = Rig()
    rig.encoder.released.set()
    camera = Camera(10, 12, 10, policy=ReusePolicy(3 / 255))
    async with rig:
        rig.pipeline.announce(camera)
        await camera.results()
    first, decoded, same = (job.result for job in camera.jobs)
    assert isinstance(first, Embedded)
    assert isinstance(decoded, Embedded)
    assert isinstance(same, Embedded)
    assert [int(of.vectors[0, 0]) for of in (first, decoded, same)] == [10, 10, 10]
    assert (first.timings.batch_size, decoded.timings.batch_size, same.timings.batch_size) == (1, 0, 0)
    assert decoded.timings.inference_ns == same.timings.inference_ns == 0
    assert decoded.timings.decode_ns > 0
    assert same.timings.decode_ns == 0, "the same file is not decoded"
    assert rig.read == [10, 12]


@pytest.mark.parametrize("slow", [10, BROKEN], ids=["decoded late", "broken, and failed late"])
async def test_frames_are_decided_in_their_order_however_they_are_decoded(slow: int) -> None:
    rig = Rig(decode_threads=2)
    rig.encoder.released.set()
    held = rig.may_read[slow] = threading.Event()
    camera = Camera(slow, 12, 14, policy=ReusePolicy(3 / 255))
    async with rig:
        rig.pipeline.announce(camera)
        while len(rig.read) < 2:
            await asyncio.sleep(0)
        assert rig.read == [12, 14]
        assert all(job.result is None for job in camera.jobs), "they wait for the one before them"
        held.set()
        await camera.results()
    assert camera.reused() == ([None, 0, None] if slow == 10 else [-1, None, 1])


async def test_the_same_file_is_decided_in_its_turn_too() -> None:
    rig = Rig(decode_threads=2)
    rig.encoder.released.set()
    camera = Camera(1, 2, 1, policy=EXACT)
    held = rig.may_read[2] = threading.Event()
    async with rig:
        rig.pipeline.announce(camera)
        while len(rig.read) < 2:
            await asyncio.sleep(0)
        assert rig.read == [1, 1], "the frame between may be the source: this one is decoded"
        held.set()
        await camera.results()
    assert camera.reused() == [None, None, None]


async def test_frames_wait_for_a_source_frame_on_the_device_and_take_no_place_in_a_batch() -> None:
    rig = Rig()
    async with rig:
        first, camera, other = await rig.busy(), Camera(1, 1, 1, policy=EXACT), Source(7)
        rig.pipeline.announce(camera)
        rig.pipeline.announce(other)
        await rig.decoded(3)
        rig.encoder.released.set()
        await first.results()
        await other.results()
        await camera.results()
    assert camera.reused() == [None, 0, 0]
    assert sorted(rig.encoder.batches[1]) == [1, 7]


@pytest.mark.parametrize("value", [POISON, 3], ids=["it fails for them as well", "they get theirs"])
async def test_frames_whose_source_frame_failed_are_embedded_themselves(
    value: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig = Rig()
    encode, failures = rig.encoder.encode, iter([RuntimeError("once")])

    def fail_once(pixels):  # type: ignore[no-untyped-def]
        vectors = encode(pixels)
        if value in pixels and (error := next(failures, None)):
            raise error
        return vectors

    monkeypatch.setattr(rig.encoder, "encode", fail_once)
    async with rig:
        first, camera = await rig.busy(), Camera(value, value, value, policy=EXACT)
        rig.pipeline.announce(camera)
        await rig.decoded(2)
        while len(camera.waiting) or rig.pipeline._decoders._queue.qsize():
            await asyncio.sleep(0)
        rig.encoder.released.set()
        await first.results()
        results = await camera.results()
    if value == POISON:
        assert {str(result) for result in results} == {"poisoned"}
    else:
        assert [str(results[0]), *results[1:]] == ["once", 3, 3]
        assert camera.reused() == [-1, None, None]


async def test_waiting_frames_are_answered_when_the_pipeline_stops() -> None:
    rig = Rig()
    rig.encoder.failure = RuntimeError("device lost")
    async with rig:
        first, camera = await rig.busy(), Camera(1, 1, policy=EXACT)
        rig.pipeline.announce(camera)
        await rig.decoded(2)
    await asyncio.sleep(0)
    assert str((await first.results())[0]) == "device lost"
    source, waiting = await camera.results()
    assert str(source) == "device lost"
    assert isinstance(waiting, ServerDraining)


async def test_cancelled_waiting_frames_are_forgotten() -> None:
    rig = Rig(2)
    async with rig:
        first, camera = await rig.busy(), Camera(1, 1, 1, policy=EXACT)
        rig.pipeline.announce(camera)
        await rig.decoded(2)
        for job in camera.jobs:
            job.cancel()
        rig.encoder.released.set()
        await first.results()
        assert await camera.results() == [None, None, None]
        later = Source(*range(20, 30))
        rig.pipeline.announce(later)
        assert await later.results() == list(range(20, 30))
        assert rig.pipeline._turns.under_way == 0, "their places are free again"


async def test_streams_share_no_source_frames() -> None:
    rig = Rig()
    rig.encoder.released.set()
    cameras = [Camera(1, policy=EXACT), Camera(1, policy=EXACT)]
    async with rig:
        for camera in cameras:
            rig.pipeline.announce(camera)
        for camera in cameras:
            await camera.results()
    assert [camera.reused() for camera in cameras] == [[None], [None]]


def test_a_streams_source_frame_goes_with_it() -> None:
    stream = EmbeddingReuse[str]()
    stream.expect("job", EXACT, Moment(0, 0), EncodedImage(b"x"), WHOLE)
    decided = stream.after_decode("job", np.zeros((1, 3, 1, 1), np.uint8), {})
    assert (decided.to_embed, decided.reusing) == (["job"], [])
    gone = weakref.ref(stream)
    gc.disable()
    try:
        del stream, decided
        assert gone() is None, "not even a collection of garbage is needed"
    finally:
        gc.enable()


async def test_large_files_are_not_kept() -> None:
    rig = Rig()
    rig.encoder.released.set()
    camera = Camera(1, 1, policy=EXACT, extra=MAX_KEPT_BYTES)
    async with rig:
        rig.pipeline.announce(camera)
        await camera.results()
    assert camera.reused() == [None, None]


async def test_streams_that_come_and_go_leave_no_place_taken() -> None:
    """Cancelling races with decoding and with batches; either way, every job gives its place back."""
    rig = Rig(max_batch_size=4, decode_threads=2)
    rig.encoder.released.set()
    rng = random.Random(0)
    async with rig:
        for _ in range(1500):
            values = [rng.choice([1, 2, BROKEN, POISON]) for _ in range(rng.randint(1, 6))]
            camera = Camera(*values, policy=EXACT)
            rig.pipeline.announce(camera)
            for _ in range(rng.randint(0, 3)):
                await asyncio.sleep(0)
            rig.pipeline.retire(camera)
            for job in camera.jobs:
                if rng.random() < 0.8:
                    job.cancel()
        while rig.pipeline._turns.under_way:  # a place that is lost is never given back
            await asyncio.sleep(0)
        last = Source(*range(20, 30))
        rig.pipeline.announce(last)
        assert await last.results() == list(range(20, 30))
