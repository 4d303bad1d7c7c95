"""Graphs for batches of several sizes, with a pretended device on any machine."""

from __future__ import annotations

import pytest
import structlog

from framewatch_server.vision.towers.cuda.graphs import batch_sizes
from tests.unit.framewatch_server.vision.towers.cuda.pretended_device import MOST, PretendedDevice, batch, small_tower


@pytest.mark.parametrize(
    ("most", "expected"),
    [(1, (1,)), (2, (1, 2)), (11, (1, 2, 4, 8, 11)), (32, (1, 2, 4, 8, 16, 32))],
    ids=["one", "two", "no power of two", "a power of two"],
)
def test_batch_sizes_are_powers_of_two_and_the_largest(most: int, expected: tuple[int, ...]) -> None:
    assert batch_sizes(most) == expected


@pytest.mark.parametrize(
    ("count", "replayed"),
    [(1, [1]), (3, [4]), (8, [8]), (9, [MOST]), (MOST, [MOST]), (MOST + 3, [])],
    ids=["one", "padded", "a graph's size", "padded to the largest", "the largest", "more than the largest"],
)
def test_a_batch_takes_the_smallest_graph_that_it_fits_into(count: int, replayed: list[int]) -> None:
    device = PretendedDevice()
    tower = small_tower(device)
    tower.warm(MOST)
    assert device.captured == [MOST, 8, 4, 2, 1], "the largest first: the others share its memory"
    device.replayed.clear()
    pixels, expected = batch(count)
    assert tower.start(pixels)().tolist() == expected
    assert device.replayed == replayed


def test_a_size_whose_capture_fails_runs_without_a_graph_and_is_logged_once() -> None:
    device = PretendedDevice(fails_to_capture=frozenset({4, 8}))
    tower = small_tower(device)
    with structlog.testing.capture_logs() as logs:
        tower.warm(MOST)
    (warning,) = logs
    assert (warning["log_level"], warning["sizes"]) == ("warning", [4, 8])
    assert "not permitted" in warning["error"]
    assert device.captured == [MOST, 2, 1]
    device.replayed.clear()
    for count in (3, 8, MOST):
        pixels, expected = batch(count)
        assert tower.start(pixels)().tolist() == expected
    assert device.replayed == [MOST]


def test_captures_that_work_log_nothing() -> None:
    with structlog.testing.capture_logs() as logs:
        small_tower(PretendedDevice()).warm(MOST)
    assert logs == []
