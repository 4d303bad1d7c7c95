"""The device thread by itself."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from framewatch_core.arrays import Float32Array
from framewatch_core.errors import InternalError, ModelLoadError
from framewatch_server.engine.device_thread.device import Device
from framewatch_server.engine.device_thread.texts import TextRequest
from framewatch_server.engine.jobs import CANCELLED, Embedded, Finished
from tests.unit.framewatch_server.engine.rig import POISON, FakeEncoder, Waiting


def decoded(*values: int) -> Waiting:
    job = Waiting(values[0], lambda: None)
    job.pixels = np.tile(np.array(values, np.uint8)[:, None, None, None], (1, 3, 1, 1))
    return job


def run(device: Device, encoder: FakeEncoder, *jobs: Waiting) -> None:
    """Has the device take the jobs together, and ends it."""
    for job in jobs:
        device.put(job)
    encoder.released.set()
    device.start()
    device.finish()
    assert device.thread.join(30)


def test_a_job_that_is_cancelled_while_others_are_delivered_is_not_lost() -> None:
    encoder, finished = FakeEncoder(), Finished()
    first, second, third = (decoded(value) for value in (1, 2, 3))
    first.cancel()

    def deliver(some: Finished) -> None:
        finished.extend(some)
        second.cancel()

    device = Device(encoder, max_batch_size=8, deliver=deliver, on_health=bool)
    run(device, encoder, first, second, third)
    assert {job for job, _ in finished} == {first, second, third}
    assert dict(finished)[first] is CANCELLED


def test_cancelled_jobs_take_no_room_in_a_batch() -> None:
    encoder, finished = FakeEncoder(), Finished()
    jobs = [decoded(value) for value in range(1, 9)]
    for job in jobs[1:7]:
        job.cancel()
    run(Device(encoder, max_batch_size=2, deliver=finished.extend, on_health=bool), encoder, *jobs)
    assert encoder.batches == [[1, 8]]
    assert len(finished) == 8


@pytest.mark.parametrize(
    ("values", "runs"),
    [
        pytest.param([[1] * 64], 32, id="a frame with many regions"),
        pytest.param([[1], [POISON]], 3, id="a batch that fails"),
    ],
)
def test_each_run_of_the_model_is_a_piece_of_work_of_its_own_for_the_watchdog(
    values: list[list[int]], runs: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A frame with 64 regions takes a slow model many times as long as a batch, and is no hang."""
    encoder, pieces = FakeEncoder(), list[int | None]()
    device = Device(encoder, max_batch_size=2, deliver=bool, on_health=bool)
    encode = encoder.encode

    def watched(pixels: npt.NDArray[np.uint8]) -> Float32Array:
        pieces.append(device.thread.mark.number)
        return encode(pixels)

    monkeypatch.setattr(encoder, "encode", watched)
    run(device, encoder, *(decoded(*each) for each in values))
    assert len(pieces) == runs
    assert len(set(pieces)) == runs
    assert None not in pieces


@pytest.mark.filterwarnings("error")
def test_a_model_that_gives_too_few_vectors_fails_its_batch_and_not_the_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    encoder, finished, health = FakeEncoder(), Finished(), list[bool]()
    encode = encoder.encode
    monkeypatch.setattr(encoder, "encode", lambda pixels: encode(pixels)[1:])
    device = Device(encoder, max_batch_size=8, deliver=finished.extend, on_health=health.append)
    run(device, encoder, decoded(1), decoded(2))
    assert [type(result) for _, result in finished] == [InternalError] * 2
    assert not any(isinstance(result, Embedded) for _, result in finished)
    assert not health


class Call:
    """A call that keeps its answer; the function may fail outside of every guard."""

    def __init__(self, failure: BaseException | None = None) -> None:
        self.failure = failure
        self.answers: list[Exception | None] = []

    def run(self) -> None:
        if self.failure is not None:
            raise self.failure
        self.answers.append(None)

    def refuse(self, error: Exception) -> None:
        self.answers.append(error)


RAISED = [
    SystemExit("ends a thread"),
    KeyboardInterrupt(),
    GeneratorExit(),
    StopIteration("of a generator"),
    MemoryError(),
    ValueError("a fault of the call"),
]


@pytest.mark.parametrize("failure", RAISED, ids=lambda failure: type(failure).__name__)
def test_a_call_that_raises_anything_is_answered_and_so_is_what_comes_after_it(failure: BaseException) -> None:
    encoder, finished, health = FakeEncoder(), Finished(), list[bool]()
    device = Device(encoder, max_batch_size=8, deliver=finished.extend, on_health=health.append)
    calls, job = [Call(), Call(failure), Call()], decoded(1)
    for call in calls:
        device.call(call)
    run(device, encoder, job)
    answers = [call.answers for call in calls]
    assert answers[0] == answers[2] == [None]
    assert [isinstance(answer, Exception) for answer in answers[1]] == [True]
    assert [(each, type(result)) for each, result in finished] == [(job, Embedded)]
    assert not health


@pytest.mark.parametrize("failure", RAISED, ids=lambda failure: type(failure).__name__)
def test_a_tower_that_raises_anything_answers_its_jobs_and_the_next_ones_are_embedded(failure: BaseException) -> None:
    encoder, finished = FakeEncoder(), Finished()
    encoder.failure = failure

    def deliver(some: Finished) -> None:
        finished.extend(some)
        encoder.failure = None

    device = Device(encoder, max_batch_size=1, deliver=deliver, on_health=bool)
    first, second = decoded(1), decoded(2)
    run(device, encoder, first, second)
    assert isinstance(dict(finished)[first], Exception)
    assert isinstance(dict(finished)[second], Embedded)


def test_jobs_in_hand_are_answered_when_their_delivery_fails_and_the_thread_goes_on() -> None:
    encoder, finished, failures = FakeEncoder(), Finished(), [MemoryError("no room for the delivery")]

    def deliver(some: Finished) -> None:
        if failures:
            raise failures.pop()
        finished.extend(some)

    device = Device(encoder, max_batch_size=1, deliver=deliver, on_health=bool)
    first, second = decoded(1), decoded(2)
    run(device, encoder, first, second)
    assert [(job, type(result)) for job, result in finished] == [(first, MemoryError), (second, Embedded)]


def test_at_most_one_slice_of_text_comes_between_two_batches() -> None:
    encoder, finished = FakeEncoder(), Finished()
    order: list[str] = []
    encode, encode_texts = encoder.encode, encoder.texts.encode

    def images(pixels):  # type: ignore[no-untyped-def]
        order.append("images")
        return encode(pixels)

    def texts(some):  # type: ignore[no-untyped-def]
        order.append("texts")
        return encode_texts(some)

    encoder.encode, encoder.texts.encode = images, texts  # type: ignore[method-assign]
    device = Device(encoder, max_batch_size=1, deliver=finished.extend, on_health=bool)
    request = TextRequest([f"text {i} " + "of many words " * 20 for i in range(200)])
    device.embed(request)
    run(device, encoder, *(decoded(value) for value in range(6)))
    vectors, _ = request.future.result(0)
    assert len(vectors) == 200
    assert order[:12] == ["images", "texts"] * 6
    assert set(order[12:]) == {"texts"}


@pytest.mark.parametrize(
    ("room", "expected"),
    [pytest.param(100, 16, id="enough"), pytest.param(5, 4, id="for 5"), pytest.param(1, 1, id="1")],
)
def test_out_of_memory_while_the_model_is_prepared_halves_the_largest_batch(room: int, expected: int) -> None:
    encoder = FakeEncoder()
    encoder.room = room
    encoder.released.set()
    device = Device(encoder, max_batch_size=16, deliver=bool, on_health=bool)
    device.warm()
    assert device.max_batch_size == expected


def test_a_model_without_room_for_one_image_is_refused_with_the_flags_that_help() -> None:
    encoder = FakeEncoder()
    encoder.room = 0
    encoder.released.set()
    with pytest.raises(ModelLoadError, match=r"--model.*--dtype.*--device"):
        Device(encoder, max_batch_size=16, deliver=bool, on_health=bool).warm()
