"""The device's health: pictures that fail by themselves never count as the device's failure."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from framewatch_core.arrays import Float32Array
from framewatch_core.errors import ModelLoadError
from framewatch_server.engine.device_thread.health import DeviceHealth, good_picture
from framewatch_server.vision.towers.encoder import BlockingImageTower


class Tower(BlockingImageTower):
    """A tower that fails, or whose vectors are not finite."""

    image_size = (4, 6)

    def __init__(self) -> None:
        self.failure: BaseException | None = None
        self.value = 1.0
        self.tried = 0

    def encode(self, pixels: npt.NDArray[np.uint8]) -> Float32Array:
        self.tried += 1
        if self.failure is not None:
            raise self.failure
        return np.full((len(pixels), 2), self.value, np.float32)


@pytest.fixture
def tower() -> Tower:
    return Tower()


def test_a_good_picture_is_an_input_of_the_model() -> None:
    picture = good_picture((4, 6))
    assert (picture.shape, picture.dtype) == ((1, 3, 4, 6), np.uint8)
    assert picture.min() < picture.max()


def test_any_number_of_failing_pictures_leaves_a_working_device_healthy(tower: Tower) -> None:
    reports: list[bool] = []
    health = DeviceHealth(tower, tower.image_size, reports.append)
    for _ in range(30):
        health.saw_batch(failed=True)
    assert not reports
    assert tower.tried == 10, "one in three failed batches is worth a trial"


@pytest.mark.parametrize(
    "failure",
    [
        pytest.param(RuntimeError("device lost"), id="error"),
        pytest.param(SystemExit(), id="SystemExit"),
        pytest.param(None, id="not finite"),
    ],
)
def test_a_device_that_fails_on_a_good_picture_is_reported_once_and_so_is_its_recovery(
    tower: Tower, failure: BaseException | None
) -> None:
    reports: list[bool] = []
    health = DeviceHealth(tower, tower.image_size, reports.append)
    tower.failure, tower.value = failure, float("nan")
    for _ in range(9):
        health.saw_batch(failed=True)
        health.try_again()
    assert reports == [False]
    tower.failure, tower.value = None, 1.0
    health.try_again()
    health.try_again()
    health.saw_batch(failed=False)
    assert reports == [False, True]


def test_a_batch_that_succeeds_is_a_recovery_too(tower: Tower) -> None:
    reports: list[bool] = []
    health = DeviceHealth(tower, tower.image_size, reports.append)
    tower.failure = RuntimeError("device lost")
    for failed in (True, True, True, False):
        health.saw_batch(failed=failed)
    assert reports == [False, True]


def test_failures_between_successes_cause_no_trial(tower: Tower) -> None:
    health = DeviceHealth(tower, tower.image_size, lambda _: None)
    for failed in (True, True, False) * 5:
        health.saw_batch(failed=failed)
    assert tower.tried == 0


def test_a_model_that_fails_on_the_good_picture_from_the_start_is_refused_with_the_remedy(tower: Tower) -> None:
    tower.value = float("inf")
    with pytest.raises(ModelLoadError, match="--dtype"):
        DeviceHealth(tower, tower.image_size, lambda _: None).warm()
