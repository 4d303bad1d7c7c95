"""Jobs of several inputs on their way through the pipeline and the device."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from framewatch_core.errors import NotFinite, ServerUnavailable
from framewatch_core.stream.reuse import ReusePolicy
from framewatch_core.time import Moment
from framewatch_server.engine.device_thread.device import Device
from framewatch_server.engine.jobs import Embedded, Finished, Job, Load
from framewatch_server.engine.reuse import EmbeddingReuse
from framewatch_server.vision.pixels.view import View
from tests.unit.framewatch_server.engine.rig import (
    POISON,
    FakeEncoder,
    OverlappingEncoder,
    Rig,
    Source,
    Waiting,
    regions_view,
)


def sources(values: Sequence[tuple[int, int]]) -> Source:
    """A lane with jobs of a value and a number of inputs each."""
    source = Source()
    source.jobs = [Waiting(value, source.changed.set, view=regions_view(count)) for value, count in values]
    source.waiting.extend(source.jobs)
    return source


def shapes(source: Source) -> list[tuple[int, ...]]:
    return [job.result.vectors.shape for job in source.jobs if isinstance(job.result, Embedded)]


@pytest.mark.parametrize(
    ("jobs", "batches"),
    [
        pytest.param([(1, 3), (2, 3), (3, 2)], [[1, 1, 1, 2, 2, 2, 3, 3]], id="they fill a batch"),
        pytest.param([(1, 3), (2, 3), (3, 3)], [[1, 1, 1, 2, 2, 2], [3, 3, 3]], id="one that does not fit waits"),
        pytest.param(
            [(1, 7), (2, 7), (3, 1)], [[1] * 7, [2] * 7 + [3]], id="one that was left over is first in the next batch"
        ),
        pytest.param([(1, 8), (2, 1)], [[1] * 8, [2]], id="a full batch by itself"),
        pytest.param([(1, 20)], [[1] * 8, [1] * 8, [1] * 4], id="more than a batch: in parts"),
        pytest.param([(1, 1), (2, 17)], [[1], [2] * 8, [2] * 8, [2]], id="more than a batch, behind another"),
    ],
)
async def test_batches_of_jobs_with_several_inputs(jobs: list[tuple[int, int]], batches: list[list[int]]) -> None:
    rig = Rig(8)
    async with rig:
        first, later = await rig.busy(), sources(jobs)
        rig.pipeline.announce(later)
        await rig.decoded(1 + len(jobs))
        rig.encoder.released.set()
        await first.results()
        assert await later.results() == [value for value, _ in jobs]
    assert rig.encoder.batches == [[0], *batches]
    assert shapes(later) == [(count, 1) for _, count in jobs]
    assert [job.result.timings.batch_size for job in later.jobs if isinstance(job.result, Embedded)] == [
        next(sum(n for v, n in jobs if v in batch) for batch in batches if value in batch) for value, _ in jobs
    ]


async def test_a_poisoned_picture_fails_alone_with_all_its_regions() -> None:
    rig = Rig(16)
    async with rig:
        first, later = await rig.busy(), sources([(1, 3), (POISON, 5), (3, 3)])
        rig.pipeline.announce(later)
        await rig.decoded(4)
        rig.encoder.released.set()
        await first.results()
        one, error, three = await later.results()
    assert (one, three) == (1, 3)
    assert str(error) == "poisoned"


async def test_one_vector_that_is_not_finite_fails_its_picture_and_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    rig = Rig(16)
    encode = rig.encoder.encode

    def encode_with_nan(pixels: np.ndarray) -> np.ndarray:
        vectors = encode(pixels)
        if len(vectors) == 9:
            vectors[4] = np.nan  # in the middle of the second picture
        return vectors

    monkeypatch.setattr(rig.encoder, "encode", encode_with_nan)
    async with rig:
        first, later = await rig.busy(), sources([(1, 3), (2, 3), (3, 3)])
        rig.pipeline.announce(later)
        await rig.decoded(4)
        rig.encoder.released.set()
        await first.results()
        one, error, three = await later.results()
    assert (one, three) == (1, 3)
    assert isinstance(error, NotFinite)


@pytest.mark.parametrize("encoder", [FakeEncoder, OverlappingEncoder], ids=["one batch at a time", "two"])
async def test_out_of_memory_splits_a_single_picture_too(encoder: type[FakeEncoder]) -> None:
    rig = Rig(64, encoder=encoder())
    rig.encoder.room = 5
    async with rig:
        first, later = await rig.busy(), sources([(1, 64), (2, 3), (3, 40)])
        rig.pipeline.announce(later)
        await rig.decoded(4)
        rig.encoder.released.set()
        await first.results()
        assert await later.results() == [1, 2, 3]
        before = len(rig.encoder.batches)
        again = sources([(4, 64)])
        rig.pipeline.announce(again)
        assert await again.results() == [4]
    assert shapes(later) == [(64, 1), (3, 1), (40, 1)]
    assert max(len(batch) for batch in rig.encoder.batches[before:]) <= 5, "it is remembered"
    assert not rig.health


async def test_without_room_for_a_single_input_it_fails() -> None:
    rig = Rig(4)
    rig.encoder.room = 0
    rig.encoder.released.set()
    async with rig:
        source = sources([(1, 9)])
        rig.pipeline.announce(source)
        (error,) = await source.results()
    assert isinstance(error, ServerUnavailable)


async def test_a_cancelled_picture_with_many_regions_costs_no_device_time() -> None:
    rig = Rig(8)
    async with rig:
        first, later = await rig.busy(), sources([(1, 4), (2, 9), (3, 4)])
        rig.pipeline.announce(later)
        await rig.decoded(4)
        later.jobs[1].cancel()
        rig.encoder.released.set()
        await first.results()
        assert await later.results() == [1, None, 3]
    assert 2 not in {value for batch in rig.encoder.batches for value in batch}


def decoded(value: int, count: int) -> Waiting:
    job = Waiting(value, lambda: None, view=regions_view(count))
    job.pixels = np.full((count, 3, 1, 1), value, np.uint8)
    return job


def test_stopping_embeds_a_job_that_was_left_over() -> None:
    encoder, finished = FakeEncoder(), Finished()
    jobs = [decoded(1, 3), decoded(2, 3), decoded(3, 9)]
    device = Device(encoder, max_batch_size=4, deliver=finished.extend, on_health=bool)
    for job in jobs:
        device.put(job)
    encoder.released.set()
    device.start()
    device.finish()
    assert device.thread.join(30)
    assert [job for job, _ in finished] == jobs
    assert all(isinstance(result, Embedded) for _, result in finished)
    assert encoder.batches == [[1] * 3, [2] * 3, [3] * 4, [3] * 4, [3]]


async def test_a_frame_under_another_view_reuses_nothing() -> None:
    rig = Rig()
    rig.encoder.released.set()
    source, reuse = Source(), EmbeddingReuse[Job]()
    for i, count in enumerate([1, 1, 2, 2, 1]):
        job = Waiting(7, source.changed.set, reuse, regions_view(count))
        assert job.image is not None
        reuse.expect(job, ReusePolicy(0.5), Moment(i, i), job.image, job.view)
        source.jobs.append(job)
    source.waiting.extend(source.jobs)
    async with rig:
        rig.pipeline.announce(source)
        await source.results()
    results = [job.result for job in source.jobs]
    assert [isinstance(result, Embedded) and result.reused_frame_id for result in results] == [None, 0, None, 2, None]
    assert shapes(source) == [(1, 1), (1, 1), (2, 1), (2, 1), (1, 1)]


ASSESSED = View(assessed=frozenset({""}))


async def stream(rig: Rig, frames: Sequence[tuple[int, View]], policy: ReusePolicy) -> list[Embedded]:
    """The results of one stream's frames, one a nanosecond."""
    source, reuse = Source(), EmbeddingReuse[Job]()
    for i, (value, view) in enumerate(frames):
        job = Waiting(value, source.changed.set, reuse, view)
        assert job.image is not None
        reuse.expect(job, policy, Moment(i, i), job.image, view)
        source.jobs.append(job)
    source.waiting.extend(source.jobs)
    async with rig:
        rig.pipeline.announce(source)
        await source.results()
    found = [job.result for job in source.jobs if isinstance(job.result, Embedded)]
    assert len(found) == len(frames)
    return found


def level(result: Embedded) -> int | None:
    """The brightness that was measured; None: the picture was not assessed."""
    return round(float(result.pictures[""].luma.mean())) if result.pictures else None


@pytest.mark.parametrize("decode_threads", [1, 2])
async def test_reusing_frames_have_pictures_to_be_assessed_by(decode_threads: int) -> None:
    rig = Rig(decode_threads=decode_threads)
    rig.encoder.released.set()
    same, little_change, other = 40, 42, 200
    frames = [(value, ASSESSED) for value in (same, same, little_change, same, other)]
    found = await stream(rig, frames, ReusePolicy(3 / 255))
    assert [result.reused_frame_id for result in found] == [None, 0, 0, 0, None]
    assert [level(result) for result in found] == [40, 40, 42, 40, 200], "each its own, as far as it was decoded"


async def test_an_assessed_frame_reuses_no_frame_that_was_not() -> None:
    rig = Rig()
    rig.encoder.released.set()
    found = await stream(rig, [(7, View()), (7, ASSESSED), (7, ASSESSED), (7, View())], ReusePolicy())
    assert [result.reused_frame_id for result in found] == [None, None, 1, None]
    assert [level(result) for result in found] == [None, 7, 7, None]


@pytest.mark.parametrize(
    ("counts", "admitted"),
    [
        pytest.param([8] * 6, 2, id="as many as two batches and a decoder hold"),
        pytest.param([64] * 6, 1, id="wide ones: one that is decoded while the device has another"),
        pytest.param([1] * 20, 16, id="narrow ones"),
    ],
)
async def test_what_is_under_way_is_bounded_in_inputs(counts: list[int], admitted: int) -> None:
    rig = Rig(8)
    async with rig:
        first, later = await rig.busy(), sources([(i, count) for i, count in enumerate(counts, 1) if i != POISON])
        rig.pipeline.announce(later)
        assert len(later.jobs) - len(later.waiting) == admitted
        rig.encoder.released.set()
        await first.results()
        assert None not in await later.results()
        again = sources([(i, count) for i, count in enumerate(counts, 1) if i != POISON])
        rig.encoder.released.clear()
        rig.pipeline.announce(again)
        assert len(again.jobs) - len(again.waiting) == admitted + 1, "all of the room was given back"
        rig.encoder.released.set()
        await again.results()


async def test_pictures_that_are_slow_to_decode_reach_every_decoder() -> None:
    rig = Rig(8, decode_threads=4)
    async with rig:
        slow = Source()
        load = Load.of(1, decode_ns=10_000_000_000)
        slow.jobs = [Waiting(value, slow.changed.set, load=load) for value in range(1, 9)]
        slow.waiting.extend(slow.jobs)
        rig.pipeline.announce(slow)
        assert len(slow.jobs) - len(slow.waiting) == 4 + 1, "and one waits behind them"
        rig.encoder.released.set()
        assert await slow.results() == list(range(1, 9))


async def test_jobs_with_many_inputs_leave_no_more_than_half_of_many_decoders_idle() -> None:
    rig = Rig(8, decode_threads=8)
    async with rig:
        wide = Source(*range(1, 10), regions=64)
        rig.pipeline.announce(wide)
        assert len(wide.jobs) - len(wide.waiting) == 4
        rig.encoder.released.set()
        assert await wide.results() == list(range(1, 10))


async def test_a_newcomer_goes_before_the_frames_of_a_stream_with_many_regions() -> None:
    rig = Rig(8)
    async with rig:
        first, many, newcomer = await rig.busy(), Source(*range(1, 20), regions=64), Source(50)
        rig.pipeline.announce(many)
        rig.pipeline.announce(newcomer)
        rig.encoder.released.set()
        await first.results()
        assert await newcomer.results() == [50]
        await many.results()
    before = [value for batch in rig.encoder.batches[: rig.encoder.batches.index([50])] for value in batch]
    assert len(set(before)) <= 1 + 3, "the one on the device, and those that had been taken already"
