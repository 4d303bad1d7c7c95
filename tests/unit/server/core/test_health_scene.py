"""What is another place and what is not."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from framewatch_core.health import HealthMonitor, HealthPolicy, HealthProblem
from framewatch_core.rules import NS_PER_S, Moment
from framewatch_server.vision.picture_stats import picture_stats

PLACE = 3


def smooth_place(seed: int, size: tuple[int, int] = (160, 96)) -> npt.NDArray[np.float32]:
    """Soft light and shade and no sharp edge, as at night."""
    levels = np.random.default_rng(seed).uniform(80, 176, (6, 8)).astype(np.float32)
    return np.repeat(cv2.resize(levels, size, interpolation=cv2.INTER_CUBIC)[..., None], 3, axis=2)


def problems(places: list[npt.NDArray[np.float32]], sigma: float) -> set[HealthProblem | None]:
    """A picture a second, with noise."""
    rng, monitor = np.random.default_rng(0), HealthMonitor(HealthPolicy())
    found = set()
    for i, place in enumerate(places):
        noisy = np.clip(place + rng.normal(0, sigma, place.shape), 0, 255).astype(np.uint8)
        found.add(monitor.update(Moment(i, i * NS_PER_S), {"": picture_stats(noisy)}).problems[""])
    return found


@pytest.mark.parametrize("sigma", [3, 6, 10])
@pytest.mark.parametrize("seed", [PLACE, 11, 27])
def test_noise_in_a_smooth_scene_is_no_other_place(seed: int, sigma: float) -> None:
    assert problems([smooth_place(seed)] * 12, sigma) == {None}


def test_a_smooth_scene_that_is_another_is_told() -> None:
    seen = problems([smooth_place(PLACE)] * 12 + [smooth_place(PLACE + 100)] * 3, 3)
    assert seen == {None, HealthProblem.SCENE_CHANGED}
