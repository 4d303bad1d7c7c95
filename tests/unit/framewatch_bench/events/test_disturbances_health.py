"""Picture health on drawn pictures: problems, health events and their times, and the frames that are held."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import cv2
import numpy as np
import pytest

from framewatch_bench.events.disturbances import (
    Pixels,
    black,
    blurred,
    brightened,
    covered,
    infrared,
    overexposed,
    rain,
    with_noise,
)
from framewatch_core.health.events import HealthEvent, HealthEventKind
from framewatch_core.health.monitor import HealthMonitor, HealthPolicy, HealthProblem, HealthReport
from framewatch_core.time import NS_PER_S, Moment
from framewatch_server.vision.pixels.statistics import picture_stats

RNG = np.random.default_rng(4)


def drawn(seed: int) -> Pixels:
    """Returns a room with things in it."""
    rng = np.random.default_rng(seed)
    room = np.full((180, 320, 3), (170, 160, 140), np.uint8)
    room[110:] = (120, 80, 50)
    for _ in range(25):
        x, y = rng.integers(0, 300), rng.integers(0, 160)
        width, height = rng.integers(8, 60, 2)
        colour = rng.integers(20, 240, 3).tolist()
        cv2.rectangle(room, (int(x), int(y)), (int(x + width), int(y + height)), colour, -1)
    return room


ROOM = drawn(1)
OTHER_ROOM = drawn(2)


def noisy(pixels: Pixels = ROOM) -> Pixels:
    """Adds the noise of a camera."""
    return with_noise(pixels, RNG, 3)


def with_person(share: float) -> Pixels:
    """Returns the room with a person in dark clothes before `share` of it."""
    pixels = ROOM.copy()
    pixels[:, : round(share * 320)] = (18, 16, 20)
    return noisy(pixels)


def bad(problem: HealthProblem) -> Pixels:
    return {
        HealthProblem.BLACK: lambda: black(ROOM, RNG),
        HealthProblem.OVEREXPOSED: lambda: overexposed(np.maximum(ROOM, 30), RNG),
        HealthProblem.BLURRED: lambda: blurred(ROOM, RNG),
        HealthProblem.COVERED: lambda: covered(ROOM, RNG),
        HealthProblem.SCENE_CHANGED: lambda: infrared(ROOM, RNG),
    }[problem]()


LASTING = [HealthProblem.BLACK, HealthProblem.OVEREXPOSED, HealthProblem.BLURRED, HealthProblem.COVERED]


class Stream:
    """Feeds a monitor at a steady rate."""

    def __init__(self, rate: float = 10, policy: HealthPolicy | None = None) -> None:
        self.monitor = HealthMonitor(policy or HealthPolicy())
        self.step_ns = round(NS_PER_S / rate)
        self.time_ns = self.count = 0

    def show(
        self, seconds: float, picture: Callable[[], Pixels], **parts: Callable[[Pixels], Pixels]
    ) -> list[HealthReport]:
        reports = []
        for _ in range(round(seconds * NS_PER_S / self.step_ns)):
            pixels = picture()
            stats = {"": picture_stats(pixels)} | {name: picture_stats(part(pixels)) for name, part in parts.items()}
            reports.append(self.monitor.update(Moment(self.count, self.time_ns), stats, stats.keys()))
            self.time_ns += self.step_ns
            self.count += 1
        return reports


def events(*reports: Sequence[HealthReport]) -> list[HealthEvent]:
    return [event for part in reports for report in part for event in report.events]


def kinds(*reports: Sequence[HealthReport]) -> list[tuple[HealthEventKind, HealthProblem | None]]:
    return [(event.kind, event.problem) for event in events(*reports)]


def once(problem: HealthProblem) -> list[tuple[HealthEventKind, HealthProblem | None]]:
    return [(HealthEventKind.SUSPENDED, problem), (HealthEventKind.RESUMED, None)]


@pytest.mark.parametrize("rate", [2, 5, 20])
@pytest.mark.parametrize("problem", LASTING)
def test_a_lasting_problem_suspends_once(problem: HealthProblem, rate: float) -> None:
    stream = Stream(rate)
    before, during, after = stream.show(4, noisy), stream.show(5, lambda: bad(problem)), stream.show(3, noisy)
    assert not any(report.held for report in before)
    assert all(report.held == {""} and report.problems == {"": problem} for report in during)
    suspended, resumed = events(before, during, after)
    assert (suspended.kind, suspended.problem) == (HealthEventKind.SUSPENDED, problem)
    assert (resumed.kind, resumed.problem) == (HealthEventKind.RESUMED, None)
    ends = [round(event.began.time_ns / NS_PER_S, 6) for event in (suspended, resumed)]
    assert ends == pytest.approx([4, 9], abs=1e-6)
    assert [event.at.time_ns - event.began.time_ns for event in (suspended, resumed)] == pytest.approx(
        [1e9, 1e9], abs=stream.step_ns
    )
    assert [bool(report.held) for report in after] == [
        report.problems[""] is not None or i * stream.step_ns < 1e9 - 100 for i, report in enumerate(after)
    ]


@pytest.mark.parametrize("rate", [2, 5, 20])
def test_a_switch_suspends_once_and_the_new_scene_is_learned(rate: float) -> None:
    stream = Stream(rate)
    day, night = stream.show(4, noisy), stream.show(8, lambda: infrared(ROOM, RNG))
    assert kinds(day, night) == once(HealthProblem.SCENE_CHANGED)
    held = [report.held == {""} for report in night]
    assert held == sorted(held, reverse=True)
    assert 2 <= sum(held) / rate <= 3


@pytest.mark.parametrize(
    ("night_s", "expected"),
    [pytest.param(30, 0, id="soon: the scene is known"), pytest.param(75, 1, id="later: one more switch")],
)
def test_the_way_back(night_s: float, expected: int) -> None:
    stream = Stream(4)
    stream.show(4, noisy)
    stream.show(night_s, lambda: infrared(ROOM, RNG))
    day = stream.show(6, noisy)
    assert kinds(day) == once(HealthProblem.SCENE_CHANGED) * expected
    assert day[0].held
    assert not day[-1].held


@pytest.mark.parametrize(
    "switched",
    [
        pytest.param(lambda: noisy(brightened(ROOM, 0.35)), id="lights out"),
        pytest.param(lambda: noisy(OTHER_ROOM), id="turned"),
        pytest.param(lambda: noisy(np.repeat(cv2.cvtColor(ROOM, cv2.COLOR_RGB2GRAY)[..., None], 3, 2)), id="grey"),
        pytest.param(lambda: noisy(brightened(ROOM, 0.12)), id="nearly dark"),
    ],
)
def test_other_switches(switched: Callable[[], Pixels]) -> None:
    stream = Stream()
    assert kinds(stream.show(4, noisy), stream.show(6, switched)) == once(HealthProblem.SCENE_CHANGED)


@pytest.mark.parametrize(
    "picture",
    [
        pytest.param(lambda: with_person(0.4), id="a person in dark clothes before 40 %"),
        pytest.param(lambda: rain(ROOM, RNG), id="rain"),
        pytest.param(lambda: with_noise(ROOM, RNG, 20), id="noise"),
        pytest.param(lambda: noisy(brightened(ROOM, 0.9)), id="exposure control"),
    ],
)
def test_these_are_no_problem(picture: Callable[[], Pixels]) -> None:
    stream = Stream()
    reports = [*stream.show(4, noisy), *stream.show(6, picture), *stream.show(4, noisy)]
    assert not any(report.held or report.events for report in reports)


def test_dawn_is_no_switch() -> None:
    stream = Stream(2)
    levels = iter(np.linspace(1, 0.15, 120))
    assert kinds(stream.show(60, lambda: noisy(brightened(ROOM, float(next(levels)))))) == []


def test_a_camera_that_moves_is_not_held() -> None:
    stream, shift = Stream(), iter(range(0, 100_000, 37))
    reports = stream.show(20, lambda: noisy(np.roll(ROOM, next(shift), axis=1)))
    assert not any(report.held for report in reports)


@pytest.mark.parametrize("problem", [*LASTING, HealthProblem.SCENE_CHANGED])
def test_a_glitch_holds_frames_and_emits_nothing(problem: HealthProblem) -> None:
    stream = Stream()
    stream.show(3, noisy)
    glitch, after = stream.show(0.1, lambda: bad(problem)), stream.show(2, noisy)
    assert kinds(glitch, after) == []
    assert [bool(report.held) for report in glitch + after] == [True] * 11 + [False] * 10


@pytest.mark.parametrize(
    ("picture", "problem"),
    [
        pytest.param(lambda: np.full_like(ROOM, 90), HealthProblem.COVERED, id="blank"),
        pytest.param(lambda: black(ROOM, RNG), HealthProblem.BLACK, id="black"),
        pytest.param(lambda: np.full_like(ROOM, 255), HealthProblem.OVEREXPOSED, id="white"),
    ],
)
def test_a_stream_may_start_badly(picture: Callable[[], Pixels], problem: HealthProblem) -> None:
    stream = Stream()
    first = stream.show(2, picture)
    assert first[0].held == {""}
    assert kinds(first, stream.show(2, noisy)) == once(problem)


def test_a_stream_that_starts_covered_is_taken_for_a_plain_place() -> None:
    stream = Stream()
    first = stream.show(2, lambda: covered(ROOM, RNG))
    assert not any(report.held for report in first)
    assert kinds(first, stream.show(4, noisy)) == once(HealthProblem.SCENE_CHANGED)


@pytest.mark.parametrize("rate", [2, 25])
def test_a_frozen_picture_is_found_and_ends_with_the_first_change(rate: float) -> None:
    still = noisy()
    stream = Stream(rate, HealthPolicy(frozen_after_ns=4 * NS_PER_S))
    stream.show(3, noisy)
    frozen, after = stream.show(8, lambda: still), stream.show(2, noisy)
    suspended, resumed = events(frozen, after)
    assert (suspended.problem, suspended.began.time_ns) == (HealthProblem.FROZEN, pytest.approx(3e9, abs=100))
    assert suspended.at.time_ns == pytest.approx(7e9, abs=stream.step_ns)
    assert resumed.began.time_ns == pytest.approx(11e9, abs=100)


@pytest.mark.parametrize("sigma", [1.0, 2.0, 6.0])
def test_a_quiet_scene_is_not_frozen(sigma: float) -> None:
    stream = Stream(5, HealthPolicy(frozen_after_ns=2 * NS_PER_S))
    assert kinds(stream.show(12, lambda: with_noise(ROOM, RNG, sigma))) == []


def test_something_small_that_moves_is_not_frozen() -> None:
    stream, count = Stream(5, HealthPolicy(frozen_after_ns=2 * NS_PER_S)), iter(range(1000))

    def picture() -> Pixels:
        pixels, x = ROOM.copy(), 10 + 3 * (next(count) % 90)
        pixels[20:30, x : x + 8] = (200, 20, 20)
        return pixels

    assert kinds(stream.show(12, picture)) == []


@pytest.mark.parametrize("problem", [*LASTING, HealthProblem.SCENE_CHANGED, HealthProblem.FROZEN])
@pytest.mark.parametrize("disabled", [True, False], ids=["disabled", "ignored"])
def test_disabled_health_and_ignored_problems_do_not_count(problem: HealthProblem, disabled: bool) -> None:
    policy = HealthPolicy(disabled=True) if disabled else HealthPolicy(ignored=frozenset({problem}))
    stream, still = Stream(4, policy), noisy()
    stream.show(3, noisy)
    picture = (lambda: still) if problem is HealthProblem.FROZEN else (lambda: bad(problem))
    reports = [*stream.show(12, picture), *stream.show(3, noisy)]
    assert not any(report.held or report.events or report.problems[""] for report in reports)


def left(pixels: Pixels) -> Pixels:
    return pixels[:, :100]


def right(pixels: Pixels) -> Pixels:
    return pixels[:, 100:]


@pytest.mark.parametrize(
    ("level", "problem"),
    [(0, HealthProblem.BLACK), (255, HealthProblem.OVEREXPOSED), (120, None)],
    ids=["black", "white", "an empty wall"],
)
def test_a_region_by_itself(level: int, problem: HealthProblem | None) -> None:
    def half_gone() -> Pixels:
        pixels = noisy()
        pixels[:, :100] = level
        return pixels

    stream = Stream()
    stream.show(3, noisy, left=left, right=right)
    during = stream.show(3, half_gone, left=left, right=right)
    after = stream.show(3, noisy, left=left, right=right)
    assert all(report.problems == {"": None, "left": problem, "right": None} for report in during)
    emitted = events(during, after)
    assert [(event.kind, event.problem) for event in emitted] == (once(problem) if problem else [])
    assert {event.region_id for event in emitted} <= {"left"}
