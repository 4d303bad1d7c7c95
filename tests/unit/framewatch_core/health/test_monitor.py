"""Settling, holding and events of picture health, on drawn pictures."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable, Sequence

import pytest

from framewatch_core.arrays import Float32Array
from framewatch_core.errors import InvalidRequest
from framewatch_core.health.events import HealthEvent
from framewatch_core.health.monitor import HealthMonitor, HealthPolicy, HealthProblem, HealthReport
from framewatch_core.images.regions import MAX_REGIONS
from framewatch_core.images.statistics import PictureStats
from framewatch_core.time import NS_PER_S, Moment
from tests.unit.framewatch_core.health.drawn import blurred, covered, grey_light, measure, noisy, room, uniform

ROOM = room()
BAD: dict[HealthProblem, Float32Array] = {
    HealthProblem.BLACK: uniform(0),
    HealthProblem.OVEREXPOSED: uniform(255),
    HealthProblem.BLURRED: blurred(ROOM),
    HealthProblem.COVERED: covered(),
    HealthProblem.SCENE_CHANGED: grey_light(ROOM),
}
LASTING = [problem for problem in BAD if problem is not HealthProblem.SCENE_CHANGED]


class Stream:
    """A monitor that is given pictures, with noise, at a steady rate; `parts`: rows of the picture, by region id."""

    def __init__(self, policy: HealthPolicy | None = None, rate: float = 10) -> None:
        self.monitor = HealthMonitor(policy or HealthPolicy())
        self.step_ns = round(NS_PER_S / rate)
        self.count = 0

    def show(
        self, seconds: float, picture: Float32Array = ROOM, sigma: float = 0.7, regions: Sequence[str] = ()
    ) -> list[HealthReport]:
        return self.play(seconds, lambda: measure(noisy(picture, sigma) if sigma else picture), regions)

    def play(
        self, seconds: float, stats: Callable[[], PictureStats], regions: Sequence[str] = (), **own: PictureStats
    ) -> list[HealthReport]:
        reports = []
        for _ in range(round(seconds * NS_PER_S / self.step_ns)):
            whole = stats()
            pictures = {"": whole, **dict.fromkeys(regions, whole), **own}
            reports.append(
                self.monitor.update(Moment(self.count, self.count * self.step_ns), pictures, pictures.keys())
            )
            self.count += 1
        return reports


def events(*reports: Sequence[HealthReport]) -> list[HealthEvent]:
    return [event for part in reports for report in part for event in report.events]


def kinds(*reports: Sequence[HealthReport]) -> list[tuple[str, HealthProblem | None]]:
    return [(event.kind.name, event.problem) for event in events(*reports)]


def once(problem: HealthProblem) -> list[tuple[str, HealthProblem | None]]:
    return [("SUSPENDED", problem), ("RESUMED", None)]


@pytest.mark.parametrize("rate", [2, 5, 20])
@pytest.mark.parametrize("problem", LASTING)
def test_a_problem_that_lasts_is_reported_once(problem: HealthProblem, rate: float) -> None:
    stream = Stream(rate=rate)
    before, during, after = stream.show(4), stream.show(5, BAD[problem]), stream.show(3)
    assert not any(report.held for report in before)
    assert all(report.held == {""} and report.problems == {"": problem} for report in during)
    suspended, resumed = events(before, during, after)
    assert (suspended.kind.name, suspended.problem) == ("SUSPENDED", problem)
    assert (resumed.kind.name, resumed.problem) == ("RESUMED", None)
    assert [event.began.time_ns for event in (suspended, resumed)] == [4 * NS_PER_S, 9 * NS_PER_S]
    assert [event.at.time_ns for event in (suspended, resumed)] == [5 * NS_PER_S, 10 * NS_PER_S]
    assert [bool(report.held) for report in after] == [i * stream.step_ns < NS_PER_S for i in range(len(after))]


@pytest.mark.parametrize("rate", [2, 5, 20])
def test_a_switch_is_reported_once_and_learned(rate: float) -> None:
    stream = Stream(rate=rate)
    day, night = stream.show(4), stream.show(8, BAD[HealthProblem.SCENE_CHANGED])
    assert kinds(day, night) == once(HealthProblem.SCENE_CHANGED)
    held = [bool(report.held) for report in night]
    assert held == sorted(held, reverse=True)
    assert 2 <= sum(held) / rate <= 3


@pytest.mark.parametrize("problem", BAD)
def test_one_bad_picture_holds_without_an_event(problem: HealthProblem) -> None:
    stream = Stream()
    stream.show(3)
    reports = stream.show(0.1, BAD[problem]) + stream.show(2)
    assert kinds(reports) == []
    assert [bool(report.held) for report in reports] == [True] * 11 + [False] * 10


def test_one_suspension_whatever_comes_between() -> None:
    stream = Stream()
    stream.show(3)
    chain = [stream.show(2, BAD[problem]) for problem in LASTING]
    chain += [stream.show(0.5), stream.show(1, BAD[HealthProblem.BLACK]), stream.show(2)]
    assert kinds(*chain) == once(LASTING[0])


@pytest.mark.parametrize(
    ("picture", "problem"),
    [
        pytest.param(uniform(90), HealthProblem.COVERED, id="blank"),
        pytest.param(uniform(0), HealthProblem.BLACK, id="black"),
        pytest.param(uniform(255), HealthProblem.OVEREXPOSED, id="white"),
    ],
)
def test_a_stream_may_start_badly(picture: Float32Array, problem: HealthProblem) -> None:
    stream = Stream()
    first = stream.show(2, picture, sigma=0)
    assert first[0].held == {""}
    assert kinds(first, stream.show(2)) == once(problem)


@pytest.mark.parametrize("rate", [2, 25])
def test_a_frozen_picture_ends_with_the_first_change(rate: float) -> None:
    stream = Stream(HealthPolicy(frozen_after_ns=4 * NS_PER_S), rate)
    stream.show(3)
    frozen, after = stream.show(8, noisy(ROOM), sigma=0), stream.show(2)
    suspended, resumed = events(frozen, after)
    assert (suspended.problem, suspended.began.time_ns, suspended.at.time_ns) == (
        HealthProblem.FROZEN,
        3 * NS_PER_S,
        7 * NS_PER_S,
    )
    assert resumed.began.time_ns == 11 * NS_PER_S


def test_a_quiet_scene_is_not_frozen() -> None:
    stream = Stream(HealthPolicy(frozen_after_ns=2 * NS_PER_S), 5)
    assert kinds(stream.show(12, sigma=0.5)) == []


@pytest.mark.parametrize("problem", [*BAD, HealthProblem.FROZEN])
@pytest.mark.parametrize("disabled", [True, False], ids=["disabled", "ignored"])
def test_problems_that_do_not_count(problem: HealthProblem, disabled: bool) -> None:
    stream = Stream(HealthPolicy(disabled=True) if disabled else HealthPolicy(ignored=frozenset({problem})), 4)
    bad, sigma = (ROOM, 0.0) if problem is HealthProblem.FROZEN else (BAD[problem], 0.7)
    reports = stream.show(3) + stream.show(12, bad, sigma) + stream.show(3)
    assert not any(report.held or report.events or report.problems[""] for report in reports)


def test_disabling_ends_a_suspension() -> None:
    stream = Stream()
    stream.show(3)
    assert kinds(stream.show(3, covered())) == once(HealthProblem.COVERED)[:1]
    stream.monitor.configure(HealthPolicy(disabled=True))
    assert kinds(stream.show(1, covered())) == once(HealthProblem.COVERED)[1:]


@pytest.mark.parametrize(
    ("level", "problem"),
    [(0, HealthProblem.BLACK), (255, HealthProblem.OVEREXPOSED), (120, None)],
    ids=["black", "white", "an empty wall"],
)
def test_a_region_by_itself(level: int, problem: HealthProblem | None) -> None:
    stream, own = Stream(), measure(uniform(level))
    stream.show(3, regions=("left", "right"))
    during = stream.play(3, lambda: measure(noisy(ROOM)), ("right",), left=own)
    after = stream.show(3, regions=("left", "right"))
    assert all(report.problems == {"": None, "left": problem, "right": None} for report in during)
    assert kinds(during, after) == (once(problem) if problem else [])
    assert {event.region_id for event in events(during, after)} <= {"left"}


def test_a_problem_of_the_frame_is_one_of_every_region() -> None:
    stream = Stream()
    stream.show(3, regions=("left", "right"))
    during = stream.show(2, covered(), regions=("left", "right"))
    assert all(report.held == {"", "left", "right"} for report in during)
    assert [(event.region_id, event.problem) for event in events(during)] == [
        (region, HealthProblem.COVERED) for region in ("", "left", "right")
    ]


def test_a_new_region_is_suspended_too_and_an_old_one_forgotten() -> None:
    stream = Stream()
    stream.show(3, regions=("left",))
    stream.show(2, covered(), regions=("left",))
    later = stream.show(2, covered(), regions=("right",)) + stream.show(2, regions=("right",))
    assert [(event.kind.name, event.region_id) for event in events(later)] == [
        ("SUSPENDED", "right"),
        ("RESUMED", ""),
        ("RESUMED", "right"),
    ]


def test_regions_that_leave_while_suspended_are_remembered_up_to_a_limit() -> None:
    """A client may give its regions other ids for every frame: those that are forgotten are resumed first."""
    monitor, bad = HealthMonitor(HealthPolicy(settle_ns=0)), measure(uniform(0))
    last: dict[str, str] = {}
    for number in range(3 * MAX_REGIONS):
        report = monitor.update(Moment(number, number), {"": bad, f"r{number}": bad}, (f"r{number}",))
        for event in report.events:
            assert event.kind.name != last.get(event.region_id, "RESUMED")
            last[event.region_id] = event.kind.name
    assert list(last.values()).count("SUSPENDED") == MAX_REGIONS + 1
    assert monitor.byte_count < 200_000


@pytest.mark.parametrize("stop", ["release", "pause"])
def test_a_picture_from_before_assessment_stopped_does_not_make_a_frozen_one(stop: str) -> None:
    stream = Stream(HealthPolicy(frozen_after_ns=10 * NS_PER_S))
    stream.show(3, sigma=0)
    if stop == "release":
        stream.monitor.release(Moment(stream.count, stream.count * stream.step_ns))
    else:
        stream.monitor.pause()
    stream.count += 200
    reports = stream.show(3, sigma=0)
    assert not any(report.held for report in reports)


def test_without_settling_events_come_at_once() -> None:
    stream = Stream(HealthPolicy(settle_ns=0))
    stream.show(3)
    reports = stream.show(1, uniform(0)) + stream.show(1)
    assert [bool(report.events) for report in reports] == [True] + [False] * 9 + [True] + [False] * 9


def test_suspended_is_for_regions_with_rules_alone() -> None:
    monitor, good, bad = HealthMonitor(HealthPolicy(settle_ns=0)), measure(ROOM), measure(uniform(0))
    monitor.update(Moment(0, 0), {"": good}, with_rules=())
    assert monitor.update(Moment(1, 1), {"": bad}, with_rules=()).events == ()
    (suspended,) = monitor.update(Moment(2, 2), {"": bad}, with_rules=("",)).events
    assert suspended.began == Moment(1, 1)
    assert kinds([monitor.update(Moment(3, 3), {"": good}, with_rules=())]) == [("RESUMED", None)]


def test_release_resumes_suspended_regions_alone() -> None:
    stream = Stream(HealthPolicy(settle_ns=0))
    stream.show(3, regions=("left", "right"))
    stream.play(1, lambda: measure(noisy(ROOM)), ("right",), left=measure(uniform(0)))
    at = Moment(1000, 1000 * NS_PER_S)
    assert [(event.kind.name, event.region_id, event.at, event.began) for event in stream.monitor.release(at)] == [
        ("RESUMED", "left", at, at)
    ]
    assert stream.monitor.release(at) == []


@pytest.mark.parametrize(
    "copied", [pytest.param(lambda monitor: pickle.loads(pickle.dumps(monitor)), id="pickled"), copy.deepcopy]
)
def test_a_copy_goes_on_the_same(copied: Callable[[HealthMonitor], HealthMonitor]) -> None:
    stream = Stream()
    stream.show(3)
    stream.show(0.5, covered())
    stats = [measure(noisy(covered())) for _ in range(15)] + [measure(noisy(ROOM)) for _ in range(15)]

    def reports(monitor: HealthMonitor) -> list[HealthReport]:
        moments = [Moment(stream.count + i, (stream.count + i) * stream.step_ns) for i in range(len(stats))]
        return [monitor.update(at, {"": picture}, ("",)) for at, picture in zip(moments, stats, strict=True)]

    assert reports(copied(stream.monitor)) == reports(stream.monitor)


@pytest.mark.parametrize(
    ("policy", "field"), [({"frozen_after_ns": 0}, "frozen_after"), ({"settle_ns": -1}, "settle_time")]
)
def test_impossible_policies_name_their_field(policy: dict[str, int], field: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        HealthPolicy(**policy)  # type: ignore[arg-type]
    assert caught.value.field == field
