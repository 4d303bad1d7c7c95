"""The device's thread by itself."""

from __future__ import annotations

import threading

import numpy as np
import pytest

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
