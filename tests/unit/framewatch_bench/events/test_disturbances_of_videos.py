"""Picture health on the example videos: as they are, they have no problem; each disturbance is found."""

from __future__ import annotations

import functools
from collections.abc import Callable

import cv2
import numpy as np
import pytest

from framewatch_bench.events.disturbances import Kind, Pixels, brightened, spliced, with_noise
from framewatch_core.health.monitor import HealthProblem
from tests.unit.framewatch_bench.events.health_videos import (
    assess_health,
    events,
    frames,
    jpeg,
    kinds,
    needs_videos,
    once,
    regions,
)

pytestmark = needs_videos

EXPECTED = {
    Kind.FREEZE: HealthProblem.FROZEN,
    Kind.BLACK: HealthProblem.BLACK,
    Kind.COVERED: HealthProblem.COVERED,
    Kind.INFRARED: HealthProblem.SCENE_CHANGED,
    Kind.OVEREXPOSED: HealthProblem.OVEREXPOSED,
    Kind.BLUR: HealthProblem.BLURRED,
}
# an empty room, a person in it; all bottles, a hand between them
PLACES = [("person.mp4", at) for at in (48.0, 82.0)] + [("bottles.mp4", at) for at in (4.0, 16.5)]


def half(pixels: Pixels) -> Pixels:
    return np.asarray(cv2.resize(pixels, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA), np.uint8)


@pytest.mark.parametrize("name", ["person.mp4", "bottles.mp4"])
@pytest.mark.parametrize(
    ("rate", "change"),
    [
        pytest.param(None, lambda pixels: pixels, id="native rate"),
        pytest.param(5, lambda pixels: pixels, id="5 fps"),
        pytest.param(2, lambda pixels: pixels, id="2 fps"),
        pytest.param(4, half, id="half the size"),
        pytest.param(4, functools.partial(brightened, factor=0.4), id="dark"),
        pytest.param(4, functools.partial(brightened, factor=1.8), id="bright"),
        pytest.param(4, functools.partial(with_noise, rng=np.random.default_rng(0), sigma=12), id="noise"),
        pytest.param(4, functools.partial(jpeg, quality=30), id="JPEG quality 30"),
    ],
)
def test_good_video_has_no_problem(name: str, rate: float | None, change: Callable[[Pixels], Pixels]) -> None:
    reports = assess_health(frames(name, rate, change), regions(name))
    assert [(time_s, report.problems) for time_s, report in reports if report.held or report.events] == []


@pytest.mark.parametrize(("name", "at_s"), PLACES)
@pytest.mark.parametrize("kind", EXPECTED)
def test_a_splice_suspends_once(name: str, at_s: float, kind: Kind) -> None:
    part = frames(name, 4, span_s=(at_s - 10, at_s + 8) if at_s > 10 else (0, at_s + 8))
    begin = min(at_s, 10.0)
    reports = assess_health(spliced(part, kind, at_s=begin), regions(name))
    for region in reports[0][1].problems:
        assert kinds(reports, region) == once(EXPECTED[kind])
    if kind not in {Kind.FREEZE, Kind.INFRARED}:
        during = [report for time_s, report in reports if begin + 0.25 <= time_s < begin + 30]
        assert len(during) > 115
        assert all(report.held == report.problems.keys() for report in during)


@pytest.mark.parametrize(("name", "at_s"), PLACES)
def test_rain_is_no_problem(name: str, at_s: float) -> None:
    part = frames(name, 4, span_s=(max(0, at_s - 10), at_s + 8))
    reports = assess_health(spliced(part, Kind.RAIN, at_s=min(at_s, 10.0)), regions(name))
    assert not any(report.held for _, report in reports)


@pytest.mark.parametrize("rate", [2])
@pytest.mark.parametrize("kind", EXPECTED)
def test_a_splice_is_found_at_any_rate(kind: Kind, rate: float) -> None:
    reports = assess_health(spliced(frames("person.mp4", rate, span_s=(72, 90)), kind, at_s=10))
    suspended, resumed = events(reports)
    assert suspended.problem is EXPECTED[kind]
    settled_s = {Kind.FREEZE: 10.0, Kind.INFRARED: 1.0}.get(kind, 1.0)
    assert suspended.at.time_ns / 1e9 == pytest.approx(10 + settled_s, abs=1.1)
    if kind is not Kind.INFRARED:
        assert resumed.began.time_ns / 1e9 == pytest.approx(40, abs=0.01)
        assert resumed.at.time_ns / 1e9 == pytest.approx(41, abs=0.51)
