"""Decode threads by themselves; with the rest of the pipeline in test_pipeline.py."""

from __future__ import annotations

import numpy as np
import pytest

from framewatch_core.errors import UndecodableImage
from framewatch_core.images.image import Image
from framewatch_server.engine.decoding import Decoders
from framewatch_server.engine.jobs import CANCELLED, Finished, Job
from framewatch_server.engine.threads.supervised import join_all
from framewatch_server.vision.pixels.view import PreparedView, View
from tests.unit.framewatch_server.engine.rig import Waiting

RAISED = [UndecodableImage("u", "encoded"), MemoryError(), StopIteration(), SystemExit(), KeyboardInterrupt()]


def job(value: int) -> Waiting:
    return Waiting(value, lambda: None)


class Run:
    """A decode thread that has decoded some jobs, and has ended."""

    def __init__(self, *jobs: Job, failure: BaseException | None = None, failed_deliveries: int = 0) -> None:
        self.finished = Finished()
        self.to_device: list[Job] = []
        self._failure = failure
        self._failed_deliveries = failed_deliveries
        decoders = Decoders(1, self._prepare, self.to_device.append, self._deliver)
        for each in jobs:
            decoders.put(each)
        decoders.start()
        decoders.finish()
        assert join_all(decoders.threads, 30) == []
        assert decoders.threads[0].mark.number is None, "it waits for nothing, and does not hang"

    def _prepare(self, _: Image, __: View) -> PreparedView:
        failure, self._failure = self._failure, None
        if failure is not None:
            raise failure
        return PreparedView(np.zeros((1, 3, 1, 1), np.uint8), {})

    def _deliver(self, finished: Finished) -> None:
        self._failed_deliveries -= 1
        if self._failed_deliveries >= 0:
            raise MemoryError("no room for the delivery")
        self.finished += finished


@pytest.mark.parametrize("failure", RAISED, ids=lambda failure: type(failure).__name__)
def test_whatever_decoding_raises_is_the_jobs_result_and_the_next_one_is_decoded(failure: BaseException) -> None:
    first, second = job(1), job(2)
    done = Run(first, second, failure=failure)
    ((found, error),) = done.finished
    assert found is first
    assert isinstance(error, Exception)
    assert not isinstance(error, StopIteration)
    assert done.to_device == [second]


def test_a_result_is_delivered_again_if_its_delivery_fails() -> None:
    first, second = job(1), job(2)
    done = Run(first, second, failure=UndecodableImage("u", "encoded"), failed_deliveries=1)
    ((found, error),) = done.finished
    assert (found, type(error)) == (first, UndecodableImage)
    assert done.to_device == [second]


def test_cancelled_jobs_are_not_decoded() -> None:
    first = job(1)
    first.cancel()
    done = Run(first, failure=AssertionError("decoded"))
    assert done.finished == [(first, CANCELLED)]
