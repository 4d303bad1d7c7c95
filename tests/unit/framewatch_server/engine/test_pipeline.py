"""The way from lanes to embeddings."""

from __future__ import annotations

import asyncio
import threading

import numpy as np
import pytest

from framewatch_core.errors import NotFinite, ServerDraining, UndecodableImage
from framewatch_core.images.image import EncodedImage
from framewatch_server.engine import pipeline
from framewatch_server.engine.call_images import CallImages
from framewatch_server.engine.jobs import Embedded
from tests.unit.framewatch_server.engine.rig import BROKEN, EXITING, POISON, OverlappingEncoder, Rig, Source


async def test_what_arrives_while_the_device_is_busy_is_one_batch_in_order() -> None:
    rig = Rig(3)
    async with rig:
        first, later = await rig.busy(), Source(1, 2, 3, 4, 5)
        rig.pipeline.announce(later)
        await rig.decoded(6)
        rig.encoder.released.set()
        assert await first.results() == [0]
        assert await later.results() == [1, 2, 3, 4, 5]
    assert rig.encoder.batches == [[0], [1, 2, 3], [4, 5]]
    sizes = [job.result.timings.batch_size for job in later.jobs if isinstance(job.result, Embedded)]
    assert sizes == [3, 3, 3, 2, 2]


async def test_a_batch_is_started_before_the_one_ahead_of_it_is_collected() -> None:
    encoder = OverlappingEncoder()
    rig = Rig(2, encoder=encoder)
    async with rig:
        first, later = await rig.busy(), Source(1, 2, 3, 4, 5)
        rig.pipeline.announce(later)
        await rig.decoded(6)
        rig.encoder.released.set()
        assert await first.results() == [0]
        assert await later.results() == [1, 2, 3, 4, 5]
    assert encoder.log == [
        "start 0",
        "collect 0",  # nothing else waits: it is collected at once
        "start 1+2",
        "start 3+4",
        "collect 1+2",
        "start 5",
        "collect 3+4",
        "collect 5",
    ]


async def test_batches_under_way_fail_by_themselves() -> None:
    encoder = OverlappingEncoder()
    rig = Rig(2, encoder=encoder)
    async with rig:
        first, later = await rig.busy(), Source(1, 2, POISON, 4, 5)
        rig.pipeline.announce(later)
        await rig.decoded(6)
        rig.encoder.released.set()
        assert await first.results() == [0]
        results = await later.results()
    assert [result for result in results if isinstance(result, int)] == [1, 2, 4, 5]
    assert str(results[2]) == "poisoned"
    assert not rig.health


async def test_batches_under_way_are_answered_whatever_the_tower_raises() -> None:
    rig = Rig(2, encoder=OverlappingEncoder())
    async with rig:
        first, later = await rig.busy(), Source(1, 2, 3, 4, 5)
        rig.pipeline.announce(later)
        await rig.decoded(6)
        rig.encoder.failure = SystemExit("ends threads")
        rig.encoder.released.set()
        results = await first.results() + await later.results()
        assert [type(result) for result in results] == [RuntimeError] * 6
        rig.encoder.failure = None
        again = Source(6)
        rig.pipeline.announce(again)
        assert await again.results() == [6]


async def test_lanes_take_turns_and_what_has_no_turn_is_not_decoded() -> None:
    rig = Rig(2)  # room for 2 batches and the decoder: 5
    async with rig:
        first, filling = await rig.busy(), Source(1, 2, 3, 4)
        fast, slow = Source(*range(20, 30)), Source(50, 51)
        for source in (filling, fast, slow):
            rig.pipeline.announce(source)
        await rig.decoded(5)
        assert rig.read == [0, 1, 2, 3, 4]
        assert len(fast.waiting) == 10
        rig.encoder.released.set()
        for source in (first, filling, fast, slow):
            assert await source.results() == [job.value for job in source.jobs]
    assert rig.read[5:10] == [20, 50, 21, 51, 22]


async def test_a_cancelled_job_costs_neither_decoding_nor_device_time() -> None:
    rig = Rig(2)
    async with rig:
        first, later = await rig.busy(), Source(1, 2, 3, 4, 5, 6)
        rig.pipeline.announce(later)
        await rig.decoded(5)
        later.jobs[1].cancel()  # decoded, not yet on the device
        for job in list(later.waiting):  # not yet taken
            job.cancel()
        rig.encoder.released.set()
        await first.results()
        assert await later.results() == [1, None, 3, 4, None, None]
    assert rig.encoder.batches == [[0], [1, 3], [4]]
    assert rig.read == [0, 1, 2, 3, 4]


async def test_a_retired_lane_is_asked_no_more() -> None:
    rig = Rig(2)
    async with rig:
        first, gone = await rig.busy(), Source(*range(1, 9))
        rig.pipeline.announce(gone)
        rig.pipeline.retire(gone)
        rig.encoder.released.set()
        await first.results()
    assert len(gone.waiting) == 4


async def test_a_broken_picture_fails_alone() -> None:
    rig = Rig()
    rig.encoder.released.set()
    async with rig:
        source = Source(1, BROKEN, 2)
        rig.pipeline.announce(source)
        one, error, two = await source.results()
    assert (one, two) == (1, 2)
    assert isinstance(error, UndecodableImage)


async def test_a_poisoned_picture_fails_alone() -> None:
    rig = Rig()
    async with rig:
        first, later = await rig.busy(), Source(1, 2, POISON, 4, 5)
        rig.pipeline.announce(later)
        await rig.decoded(6)
        rig.encoder.released.set()
        await first.results()
        results = await later.results()
    assert [result for result in results if isinstance(result, int)] == [1, 2, 4, 5]
    assert str(results[2]) == "poisoned"
    assert not rig.health


async def test_a_vector_that_is_not_finite_fails_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    rig = Rig()
    rig.encoder.released.set()
    vectors = np.array([[1], [np.nan], [3]], np.float32)
    monkeypatch.setattr(rig.encoder, "encode", lambda pixels: vectors[pixels[:, 0, 0, 0]])
    async with rig:
        source = Source(0, 1, 2)
        rig.pipeline.announce(source)
        one, error, three = await source.results()
    assert (one, three) == (1, 3)
    assert isinstance(error, NotFinite)


async def test_out_of_memory_halves_the_batch_and_is_remembered() -> None:
    rig = Rig(8)
    rig.encoder.room = 2
    async with rig:
        first, later = await rig.busy(), Source(1, 2, 3, 4, 5, 6, 7, 8)
        rig.pipeline.announce(later)
        await rig.decoded(9)
        rig.encoder.released.set()
        await first.results()
        assert await later.results() == [1, 2, 3, 4, 5, 6, 7, 8]
        before = len(rig.encoder.batches)
        again = Source(1, 2, 3, 4, 5, 6, 7, 8)
        rig.pipeline.announce(again)
        assert await again.results() == [1, 2, 3, 4, 5, 6, 7, 8]
    assert [len(batch) for batch in rig.encoder.batches[:before]] == [1, 8, 4, 2, 2, 2, 2]
    assert max(len(batch) for batch in rig.encoder.batches[before:]) <= 2


async def test_a_device_that_fails_again_and_again_is_reported_and_so_is_its_recovery() -> None:
    rig = Rig()
    rig.encoder.released.set()
    rig.encoder.failure = RuntimeError("device lost")
    async with rig:
        for _ in range(4):
            source = Source(1)
            rig.pipeline.announce(source)
            assert [str(result) for result in await source.results()] == ["device lost"]
        assert rig.health == [False]
        rig.encoder.failure = None
        source = Source(1)
        rig.pipeline.announce(source)
        assert await source.results() == [1]
    assert rig.health == [False, True]


async def test_a_device_that_fails_is_tried_again_without_any_traffic() -> None:
    rig = Rig()
    rig.encoder.released.set()
    rig.encoder.failure = RuntimeError("device lost")
    async with rig:
        for value in (1, 2, 3):
            source = Source(value)
            rig.pipeline.announce(source)
            await source.results()
        await rig.told(False)
        rig.encoder.failure = None
        rig.pipeline._watch.look(0)
        await rig.told(True)
    assert rig.health == [False, True]


async def test_pictures_that_fail_by_themselves_leave_the_device_healthy() -> None:
    rig = Rig()
    rig.encoder.released.set()
    async with rig:
        for _ in range(10):
            source = Source(POISON)
            rig.pipeline.announce(source)
            assert [str(result) for result in await source.results()] == ["poisoned"]
        source = Source(1)
        rig.pipeline.announce(source)
        assert await source.results() == [1]
    assert rig.health == []


async def test_a_decoder_that_hangs_turns_health_off_and_cancelled_callers_are_answered() -> None:
    rig = Rig(decode_threads=2)
    rig.encoder.released.set()
    rig.may_read[7] = threading.Event()
    async with rig:
        images = CallImages(rig.pipeline, 0)
        call = asyncio.create_task(images.embed(EncodedImage(bytes([7]))))
        while not any(thread.mark.number for thread in rig.pipeline._decoders.threads):
            await asyncio.sleep(0)
        for i in range(10):
            rig.pipeline._watch.look(i * 5.0)
        assert rig.health == [False]
        other = Source(1, 2, 3)
        rig.pipeline.announce(other)
        assert await other.results() == [1, 2, 3], "the other decoder goes on"
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        rig.may_read[7].set()
        while any(thread.mark.number for thread in rig.pipeline._decoders.threads):
            await asyncio.sleep(0)
        rig.pipeline._watch.look(60.0)
        assert rig.health == [False, True]
    assert rig.pipeline.hanging == ()


async def test_a_decoder_that_hangs_is_not_waited_for_at_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline, "_END_TIMEOUT_S", 0.0)
    rig = Rig(decode_threads=1)
    rig.encoder.released.set()
    rig.may_read[7] = threading.Event()
    async with rig:
        rig.pipeline.announce(Source(7))
    assert "decode-0" in rig.pipeline.hanging
    rig.may_read[7].set()


async def test_cancelled_texts_are_not_waited_for_by_the_next_caller() -> None:
    rig = Rig()
    async with rig:
        first = await rig.busy()
        calls = [asyncio.create_task(rig.pipeline.embed_texts([f"{i} {j}" for j in range(1000)])) for i in range(32)]
        await asyncio.sleep(0)
        for call in calls:
            call.cancel()
        await asyncio.gather(*calls, return_exceptions=True)
        next_one = asyncio.create_task(rig.pipeline.embed_texts(["mine"]))
        rig.encoder.released.set()
        vectors, _ = await next_one
        assert len(vectors) == 1
        assert rig.encoder.texts.asked == ["mine"]
        assert await first.results() == [0]


async def test_a_decode_thread_outlives_whatever_decoding_raises() -> None:
    rig = Rig(decode_threads=1)
    async with rig:
        rig.encoder.released.set()
        source = Source(EXITING, 1, EXITING, 2)
        rig.pipeline.announce(source)
        first, second, third, fourth = await asyncio.wait_for(source.results(), 30)
        assert (second, fourth) == (1, 2)
        for failure in (first, third):
            assert isinstance(failure, RuntimeError)
            assert isinstance(failure.__cause__, SystemExit)


async def test_stopping_finishes_what_is_under_way_and_answers_the_rest() -> None:
    rig = Rig(1)
    async with rig:
        first, later = await rig.busy(), Source(1, 2, 4, 5)
        rig.pipeline.announce(later)
        await rig.decoded(3)
        rig.encoder.released.set()
    await asyncio.sleep(0)
    assert await first.results() == [0]
    results = await later.results()
    assert results[:2] == [1, 2]
    assert {type(result) for result in results if not isinstance(result, int)} <= {ServerDraining}
    with pytest.raises(ServerDraining):
        await rig.pipeline.embed_texts(["a"])
