"""Phases of a scene, on drawn pictures: a table of what is shown, and the phase and references after it."""

from __future__ import annotations

import pytest

from framewatch_core.arrays import Float32Array
from framewatch_core.health.problem import HealthProblem
from framewatch_core.health.scene import Reference, Scene, ScenePhase
from framewatch_core.health.tuning import TUNING
from framewatch_core.time import NS_PER_S
from tests.unit.framewatch_core.health.drawn import covered, grey_light, measure, noisy, room, uniform

DAY, NIGHT, OTHER = room(), grey_light(room()), room(2)
SETTLE_NS = NS_PER_S
RATE = 5


class Played:
    """A scene that is given pictures as the monitor gives them: what is not held is learned."""

    def __init__(self) -> None:
        self.scene = Scene()
        self.time_ns = 0

    def show(self, seconds: float, *pictures: Float32Array) -> int:
        """Shows the pictures in turn, with noise; returns how many of them had a problem."""
        problems = 0
        for i in range(round(seconds * RATE)):
            stats = measure(noisy(pictures[i % len(pictures)]))
            problem = self.scene.find_loss(stats, self.time_ns)
            changed = problem is None and self.scene.has_changed(stats, self.time_ns, SETTLE_NS)
            problems += changed or problem is not None
            if not changed and problem is None:
                self.scene.learn(stats, self.time_ns)
            self.time_ns += NS_PER_S // RATE
        return problems

    @property
    def phase(self) -> ScenePhase:
        return self.scene.phase(self.time_ns)

    def is_like(self, picture: Float32Array) -> bool:
        """Returns True if the scene would take the picture as it is."""
        baseline = self.scene.baseline
        assert baseline is not None
        return bool(abs(baseline.grey - measure(picture).grey).mean() < 2)


def test_a_scene_is_empty_fresh_and_steady_in_turn() -> None:
    played = Played()
    assert played.phase is ScenePhase.EMPTY
    played.show(0.2, DAY)
    assert played.phase is ScenePhase.FRESH
    played.show(0.8, DAY)
    assert played.phase is ScenePhase.STEADY


def test_a_bad_first_picture_leaves_it_empty() -> None:
    played = Played()
    assert played.show(1, uniform(0)) == RATE
    assert played.phase is ScenePhase.EMPTY


def test_a_fresh_scene_takes_the_next_picture_whatever_it_shows() -> None:
    played = Played()
    played.show(0.4, DAY)
    assert played.show(0.2, OTHER) == 0
    assert played.phase is ScenePhase.FRESH
    assert played.is_like(OTHER)


def test_a_steady_scene_is_fresh_again_when_a_change_has_settled() -> None:
    played = Played()
    played.show(4, DAY)
    assert played.show(1, NIGHT) == RATE
    assert played.phase is ScenePhase.CHANGING
    assert played.is_like(DAY)
    played.show(0.2, NIGHT)
    assert played.is_like(NIGHT)
    played.show(2, NIGHT)
    assert played.phase is ScenePhase.STEADY


@pytest.mark.parametrize("after", [pytest.param(DAY, id="back"), pytest.param(covered(), id="lost")])
def test_a_change_that_does_not_last_is_none(after: Float32Array) -> None:
    played = Played()
    played.show(4, DAY)
    played.show(0.6, NIGHT)
    assert played.phase is ScenePhase.CHANGING
    played.show(0.2, after)
    assert played.phase is ScenePhase.STEADY
    assert played.is_like(DAY)


def test_the_previous_reference_needs_no_settling_for_a_minute() -> None:
    played = Played()
    played.show(4, DAY)
    played.show(30, NIGHT)
    assert played.show(0.6, DAY) == 1, "the first picture alone"
    assert played.is_like(DAY)
    played.show(TUNING.previous_ns / NS_PER_S + 1, DAY)
    assert played.show(1, NIGHT) == RATE
    assert played.phase is ScenePhase.CHANGING


def test_a_change_that_never_settles_is_accepted() -> None:
    played = Played()
    played.show(4, DAY)
    turning = [room(seed) for seed in range(10, 18)]
    assert played.show(9.8, *turning) == 49
    assert played.phase is ScenePhase.CHANGING
    played.show(0.4, *turning)
    assert played.phase is not ScenePhase.CHANGING


def test_a_light_that_blinks_becomes_usual() -> None:
    played = Played()
    played.show(4, DAY)
    blinking = [NIGHT] * 8 + [DAY] * 8
    played.show(20, *blinking)
    assert played.show(20, *blinking) == 0


def test_a_plain_place_that_was_good_for_a_while_is_kept() -> None:
    played = Played()
    marked = uniform(130)
    marked[:, 10], marked[:, 50] = 190, 190
    played.show(20, marked)
    played.show(90, DAY)
    assert played.show(10, uniform(60)) == 50, "plain, and never shown before: covered"
    assert played.show(10, uniform(130)) == 0, "as plain, but the kept place"


def test_references_that_are_kept_are_bounded() -> None:
    played = Played()
    for seed in range(TUNING.kept_references + 4):
        played.show(8, room(seed))
    assert len(played.scene._kept) == TUNING.kept_references


def test_a_reference_finds_what_differs() -> None:
    day = Reference.of(measure(DAY))
    assert day.matches(measure(noisy(DAY)))
    assert not day.differs(measure(noisy(DAY * 0.9)))
    for other in (DAY * 0.35, NIGHT, OTHER):
        assert day.differs(measure(noisy(other)))


def test_a_loss_is_returned_as_it_is() -> None:
    played = Played()
    played.show(4, DAY)
    assert played.scene.find_loss(measure(uniform(0)), played.time_ns) is HealthProblem.BLACK
