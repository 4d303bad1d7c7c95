"""The device thread by itself."""

from __future__ import annotations

import threading
import time

import numpy as np
import numpy.typing as npt
import pytest

from framewatch_core.arrays import Float32Array
from framewatch_core.errors import InternalError
from framewatch_server.engine.device import Device
from framewatch_server.engine.jobs import CANCELLED, Embedded, Finished
from tests.unit.framewatch_server.engine.rig import FakeEncoder, Waiting


def decoded(value: int) -> Waiting:
    job = Waiting(value, lambda: None)
    job.pixels = np.full((1, 3, 1, 1), value, np.uint8)
    return job


def run(device: Device, encoder: FakeEncoder, *jobs: Waiting) -> None:
    """Has the device take the jobs together."""
    for job in jobs:
        device.put(job)
    encoder.released.set()
    device.start()
    device.stop()


def test_a_job_that_is_cancelled_while_others_are_delivered_is_not_lost() -> None:
    encoder, finished = FakeEncoder(), Finished()
    first, second, third = (decoded(value) for value in (1, 2, 3))
    first.cancel()

    def deliver(some: Finished) -> None:
        finished.extend(some)
        second.cancel()

    device = Device(encoder, max_batch_size=8, deliver=deliver, on_health=lambda _: None, refusal=RuntimeError)
    run(device, encoder, first, second, third)
    assert {job for job, _ in finished} == {first, second, third}
    assert dict(finished)[first] is CANCELLED


@pytest.mark.filterwarnings("error")
def test_a_model_that_gives_too_few_vectors_fails_its_batch_and_not_the_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    encoder, finished, health = FakeEncoder(), Finished(), list[bool]()
    encode = encoder.encode
    monkeypatch.setattr(encoder, "encode", lambda pixels: encode(pixels)[1:])
    device = Device(encoder, max_batch_size=8, deliver=finished.extend, on_health=health.append, refusal=RuntimeError)
    run(device, encoder, decoded(1), decoded(2))
    assert [type(result) for _, result in finished] == [InternalError] * 2
    assert not any(isinstance(result, Embedded) for _, result in finished)
    assert not health
    assert "device" not in {thread.name for thread in threading.enumerate()}


class Call:
    """A call that keeps its answer; the function may end the thread."""

    def __init__(self, failure: BaseException | None = None) -> None:
        self.failure = failure
        self.answers: list[Exception | None] = []

    def run(self) -> None:
        if self.failure is not None:
            raise self.failure
        self.answers.append(None)

    def refuse(self, error: Exception) -> None:
        self.answers.append(error)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
@pytest.mark.parametrize("failure", [SystemExit("ends the thread"), ValueError("a fault of the call")])
def test_a_call_that_ends_the_thread_is_refused_as_are_all_after_it(failure: BaseException) -> None:
    finished, health = Finished(), list[bool]()
    device = Device(
        FakeEncoder(), max_batch_size=8, deliver=finished.extend, on_health=health.append, refusal=RuntimeError
    )
    calls, job = [Call(), Call(failure), Call()], decoded(1)
    for item in (*calls, job):
        device.put(item)
    device.start()
    device.stop()
    assert [[type(answer) for answer in call.answers] for call in calls] == [
        [type(None)],
        [RuntimeError],
        [RuntimeError],
    ]
    assert [(each, type(result)) for each, result in finished] == [(job, RuntimeError)]
    assert health == [False]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_call_behind_a_batch_that_ends_the_thread_is_refused_and_the_thread_can_be_stopped() -> None:
    encoder, finished = FakeEncoder(), Finished()
    encoder.failure = SystemExit("ends the thread")
    device = Device(encoder, max_batch_size=8, deliver=finished.extend, on_health=lambda _: None, refusal=RuntimeError)
    call, job = Call(), decoded(1)
    encoder.released.set()
    device.put(job)
    device.put(call)
    device.start()
    device.stop()
    assert [type(answer) for answer in call.answers] == [RuntimeError]
    assert [(each, type(result)) for each, result in finished] == [(job, RuntimeError)]


class EndingEncoder(FakeEncoder):
    """An encoder that ends the thread at the value 2."""

    def encode(self, pixels: npt.NDArray[np.uint8]) -> Float32Array:
        vectors = super().encode(pixels)
        if 2 in vectors:
            raise SystemExit
        return vectors


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_thread_that_dies_after_the_end_was_taken_from_the_queue_can_be_stopped() -> None:
    encoder, finished = EndingEncoder(), Finished()
    device = Device(encoder, max_batch_size=8, deliver=finished.extend, on_health=lambda _: None, refusal=RuntimeError)
    first, last = decoded(1), decoded(2)
    device.put(first)
    device.start()
    assert encoder.entered.wait(30)
    device.put(last)
    stopping = threading.Thread(target=device.stop, daemon=True)
    stopping.start()
    while device._queue.qsize() < 2:
        time.sleep(0)
    encoder.released.set()
    stopping.join(30)
    assert not stopping.is_alive()
    assert [(each, type(result)) for each, result in finished] == [(first, Embedded), (last, RuntimeError)]
