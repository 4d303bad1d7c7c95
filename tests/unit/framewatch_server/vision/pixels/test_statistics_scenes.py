"""Changes of the scene in the statistics of drawn pictures: which are found and which are none."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from framewatch_core.health.monitor import HealthMonitor, HealthPolicy, HealthProblem
from framewatch_core.time import NS_PER_S, Moment
from framewatch_server.vision.pixels.statistics import picture_stats

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
        found.add(monitor.update(Moment(i, i * NS_PER_S), {"": picture_stats(noisy)}, ("",)).problems[""])
    return found


@pytest.mark.parametrize("sigma", [3, 6, 10])
@pytest.mark.parametrize("seed", [PLACE, 11, 27])
def test_noise_in_a_smooth_scene_is_no_other_place(seed: int, sigma: float) -> None:
    assert problems([smooth_place(seed)] * 12, sigma) == {None}


def test_another_smooth_scene_is_a_change() -> None:
    found = problems([smooth_place(PLACE)] * 12 + [smooth_place(PLACE + 100)] * 3, 3)
    assert found == {None, HealthProblem.SCENE_CHANGED}


def texture(seed: int) -> npt.NDArray[np.float32]:
    """A place full of detail."""
    levels = np.random.default_rng(seed).uniform(30, 220, (24, 40, 3)).astype(np.float32)
    return cv2.resize(levels, (640, 360), interpolation=cv2.INTER_CUBIC)


def plain(*, marks: bool) -> npt.NDArray[np.float32]:
    """Bare ground in soft light, with two lines on it or without."""
    across = np.linspace(-1, 1, 640, dtype=np.float32)
    down = np.linspace(-1, 1, 360, dtype=np.float32)[:, None]
    ground = 130 - 25 * (across**2 + down**2)
    place = np.repeat(ground[..., None], 3, axis=2)
    if marks:
        cv2.line(place, (100, 0), (60, 359), (190, 190, 190), 4)
        cv2.line(place, (540, 0), (600, 359), (190, 190, 190), 4)
    return place


class Played:
    """A monitor that is given pictures with noise."""

    def __init__(self, fps: float) -> None:
        self.monitor = HealthMonitor(HealthPolicy())
        self.events: list[str] = []
        self.fps = fps
        self._rng = np.random.default_rng(0)
        self._count = 0

    def show(self, seconds: float, *places: npt.NDArray[np.float32]) -> int:
        """Shows the places in turn; returns how many of the pictures are held."""
        held = 0
        for i in range(round(seconds * self.fps)):
            place = places[i % len(places)]
            picture = np.clip(place + self._rng.normal(0, 3, place.shape), 0, 255).astype(np.uint8)
            at = Moment(self._count, round(self._count * NS_PER_S / self.fps))
            report = self.monitor.update(at, {"": picture_stats(picture)}, ("",))
            self.events += [event.kind.name for event in report.events]
            held += bool(report.held)
            self._count += 1
        return held


@pytest.mark.parametrize("fps", [0.5, 1, 2])
def test_pictures_that_all_differ_are_no_changes(fps: float) -> None:
    played = Played(fps)
    assert played.show(40, *(texture(seed) for seed in range(12))) == 0
    assert played.events == []


def test_the_road_behind_a_truck_that_stood_there_for_long_is_known_again() -> None:
    played = Played(2)
    road, truck = plain(marks=True), texture(5)
    played.show(60, road)
    for _ in range(2):
        assert played.show(90, truck) < 10
        assert played.show(90, road) < 10
    assert played.events == ["SUSPENDED", "RESUMED"] * (len(played.events) // 2)
    assert played.events


def test_a_plain_place_is_trusted_when_what_lay_on_it_is_taken_away() -> None:
    played = Played(2)
    empty = plain(marks=False)
    full = empty.copy()
    full[120:240, 200:440] = texture(7)[120:240, 200:440]
    assert played.show(20, empty) == 0
    assert played.show(120, full) == 0
    assert played.show(60, empty) == 0


@pytest.mark.parametrize("half_period", [3, 8])
def test_a_blinking_light_is_got_used_to(half_period: int) -> None:
    """`half_period`: in pictures, five a second."""
    played = Played(5)
    dark, lit = texture(3) * 0.5, np.clip(texture(3) * 0.85, 0, 255)
    played.show(20, dark)
    blinking = [dark] * half_period + [lit] * half_period
    played.show(20, *blinking)
    assert played.show(40, *blinking) < 40


def test_a_cover_is_found_after_all_that() -> None:
    played = Played(4)
    played.show(30, texture(3))
    cover = plain(marks=False) * 0.4
    assert played.show(90, cover) == 360
    assert played.show(5, texture(3)) <= 5
    assert played.events == ["SUSPENDED", "RESUMED"]
