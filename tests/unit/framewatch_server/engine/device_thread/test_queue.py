"""The order in which images are taken for the device."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from framewatch_server.engine.device_thread.queue import DeviceQueue
from framewatch_server.engine.device_thread.text_budget import TextBudget
from framewatch_server.engine.device_thread.texts import TextQueue
from tests.unit.framewatch_server.engine.rig import FakeTexts, Waiting

LIMIT = 8


def decoded(number: int, inputs: int) -> Waiting:
    job = Waiting(number, lambda: None)
    job.pixels = np.zeros((inputs, 3, 1, 1), np.uint8)
    return job


def queue_of(sizes: Sequence[int]) -> tuple[DeviceQueue, list[Waiting]]:
    """A queue with jobs of so many inputs, and these."""
    queue = DeviceQueue(TextQueue(FakeTexts(), 77, TextBudget()))
    jobs = [decoded(number, size) for number, size in enumerate(sizes)]
    for job in jobs:
        queue.put(job)
    return queue, jobs


def taken(queue: DeviceQueue) -> list[list[int]]:
    """Takes everything; returns the numbers of the jobs of each batch."""
    batches = []
    while jobs := queue.take(LIMIT, wait=False).jobs:
        batches.append([job.value for job in jobs if isinstance(job, Waiting)])
    return batches


@pytest.mark.parametrize(
    ("sizes", "batches"),
    [
        pytest.param([1, 1, 1], [[0, 1, 2]], id="small ones fill a batch"),
        pytest.param([64, 64, 64], [[0], [1], [2]], id="large ones in their order"),
        pytest.param([64, 1, 2], [[1, 2], [0]], id="small ones pass a large one"),
        pytest.param([64, *[4] * 5], [[1, 2], [0], [3, 4], [5]], id="a large one lets one batch pass"),
        pytest.param([64, 64, *[4] * 3], [[2, 3], [0], [4], [1]], id="each large one does"),
        pytest.param([4, 64, 4], [[0], [2], [1]], id="a large one in the middle"),
        pytest.param([8, 64], [[0], [1]], id="a whole batch is not large"),
    ],
)
def test_order(sizes: Sequence[int], batches: list[list[int]]) -> None:
    queue, _ = queue_of(sizes)
    assert taken(queue) == batches


def test_newcomers_never_keep_a_large_one_waiting_for_more_than_a_batch() -> None:
    queue, _ = queue_of([64])
    order = []
    for number in range(1, 6):
        queue.put(decoded(number, LIMIT))
        order += [job.value for job in queue.take(LIMIT, wait=False).jobs if isinstance(job, Waiting)]
    assert order.index(0) == 1


def test_cancelled_ones_take_no_room_and_let_nothing_pass() -> None:
    queue, jobs = queue_of([64, 8, 8])
    jobs[0].cancel()
    assert taken(queue) == [[0, 1], [2]]
