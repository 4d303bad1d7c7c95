"""Events against the truth, as tables."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import pytest

from framewatch_core.calibration.evaluation import evaluate
from framewatch_core.calibration.intervals import Interval
from framewatch_core.calibration.truth import Track, VideoTruth
from framewatch_core.errors import InvalidRule
from framewatch_core.images.regions import WHOLE_FRAME, Region
from framewatch_core.rules.events import Event, EventKind, ExitReason
from framewatch_core.rules.rule import EventRule
from framewatch_core.time import Moment

FULL = Region("full", 0, 0, 1, 1)
LEFT = Region("left", 0, 0, 0.5, 1)
IN, OUT = EventKind.ENTERED, EventKind.EXITED
RULE = EventRule("box", 0.5)


def s(value: float) -> int:
    return round(value * 1e9)


def truth(*present: tuple[float, float], end: float = 100, tolerance: float = 1, region: Region = FULL) -> VideoTruth:
    return VideoTruth(s(end), s(tolerance), (Track(region, tuple(Interval(s(a), s(b)) for a, b in present)),))


def event(kind: EventKind, began: float, delay: float = 0.2, rule: str = "box") -> Event:
    return Event(kind=kind, rule_id=rule, label="box", at=Moment(1, s(began + delay)), began=Moment(0, s(began)))


@dataclass
class Case:
    id: str
    truth: VideoTruth
    events: list[Event]
    matched: list[float]
    missed: list[float] = field(default_factory=list)
    false: list[float] = field(default_factory=list)
    doubled: list[float] = field(default_factory=list)
    flaps: int = 0


CASES = [
    Case("all right", truth((10, 20)), [event(IN, 10.5), event(OUT, 20.5)], [10, 20]),
    Case("a rule that was changed", truth((10, 20)), [event(IN, 10), replace(event(OUT, 15), exit_reason=ExitReason.RECONFIGURED), event(OUT, 20)], [10, 20]),
    Case("no events", truth((10, 20)), [], [], missed=[10, 20]),
    Case("nothing there", truth(), [], []),
    Case("nothing there, but events", truth(), [event(IN, 5), event(OUT, 6)], [], false=[5, 6], flaps=1),
    Case("at the tolerance", truth((10, 20)), [event(IN, 9), event(OUT, 21)], [10, 20]),
    Case("beyond the tolerance", truth((10, 20)), [event(IN, 8.999), event(OUT, 21.001)], [], missed=[10, 20], false=[8.999, 21.001]),
    Case("the completing frame may be late", truth((10, 20)), [event(IN, 10.9, delay=5), event(OUT, 20)], [10, 20]),
    Case("the kind counts", truth((10, 20)), [event(OUT, 10), event(IN, 20)], [], missed=[10, 20], false=[10, 20]),
    Case("there from the first frame", truth((0, 20)), [event(IN, 0), event(OUT, 20)], [0, 20]),
    Case("there from the first frame, without an event", truth((0, 20)), [event(OUT, 20)], [20], missed=[0]),
    Case("there to the last frame", truth((90, 100)), [event(IN, 90)], [90]),
    Case("an EXITED at the end", truth((90, 100)), [event(IN, 90), event(OUT, 99.5)], [90], false=[99.5]),
    Case("a flap within an appearance", truth((10, 20)), [event(IN, 10), event(OUT, 14), event(IN, 15), event(OUT, 20)], [10, 20], false=[14, 15], flaps=1),
    Case("a flap between appearances", truth((10, 20), (40, 50)), [event(IN, 10), event(OUT, 20), event(IN, 30), event(OUT, 31), event(IN, 40), event(OUT, 50)], [10, 20, 40, 50], false=[30, 31], flaps=1),
    Case("doubled at the edge", truth((10, 20)), [event(IN, 9.5), event(OUT, 9.8), event(IN, 10.5), event(OUT, 20)], [10, 20], false=[9.8], doubled=[10.5], flaps=1),
    Case("two appearances taken for one", truth((10, 20), (30, 40)), [event(IN, 10), event(OUT, 40)], [10, 40], missed=[20, 30]),
    Case("one event, two transitions near", truth((10, 10.5), (11, 20), tolerance=2), [event(IN, 10.6), event(OUT, 20)], [10, 20], missed=[10.5, 11]),
    Case("as many matches as can be", truth((10, 10.4), (11, 20), tolerance=1), [event(IN, 10.2), event(OUT, 10.5), event(IN, 11.4), event(OUT, 20)], [10, 10.4, 11, 20]),
    Case("other rules are ignored", truth((10, 20)), [event(IN, 10), event(IN, 10, rule="dog"), event(OUT, 20)], [10, 20]),
]  # fmt: skip


def test_events_that_begin_when_people_would_not_agree_count_nowhere() -> None:
    full = Track(FULL, (Interval(s(10), s(20)),), (Interval(s(8), s(11)), Interval(s(40), s(50))))
    events = [event(IN, 10.5), event(OUT, 20), event(IN, 42), event(OUT, 48), event(IN, 60), event(OUT, 61)]
    (found,) = evaluate(events, [RULE], VideoTruth(s(100), s(1), (full,))).rules
    assert [match.event.began.time_ns for match in found.matches] == [s(10.5), s(20)], "a right one counts"
    assert [each.began.time_ns for each in found.unsure] == [s(42), s(48)]
    assert [each.began.time_ns for each in found.false] == [s(60), s(61)]
    assert found.flap_count == 1


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_events_against_the_truth(case: Case) -> None:
    (found,) = evaluate(case.events, [RULE], case.truth).rules
    assert [match.truth.time_ns for match in found.matches] == [s(t) for t in case.matched]
    assert [transition.time_ns for transition in found.missed] == [s(t) for t in case.missed]
    assert [event.began.time_ns for event in found.false] == [s(t) for t in case.false]
    assert [event.began.time_ns for event in found.doubled] == [s(t) for t in case.doubled]
    assert found.flap_count == case.flaps


def test_figures() -> None:
    events = [event(IN, 10.5, 0.5), event(OUT, 19.7, 0.5), event(IN, 50), event(OUT, 60)]
    found = evaluate(events, [RULE], truth((10, 20), (30, 40)))
    assert (found.precision.value, found.precision.basis) == (0.5, "2 of 4")
    assert found.recall.basis == "2 of 4"
    assert found.precision.low < 0.1
    assert found.max_delay_ns() == s(1.0)
    assert found.median_delay_ns() == pytest.approx(s(0.6))
    assert found.max_error_ns() == s(0.5)
    assert (found.flap_count, found.is_perfect) == (1, False)


def test_without_events_there_are_no_figures() -> None:
    found = evaluate([], [RULE], truth())
    assert (found.precision.value, found.median_delay_ns(), found.max_delay_ns()) == (None, None, None)
    assert found.is_perfect


def test_rules_go_with_their_regions() -> None:
    both = VideoTruth(s(100), s(1), (Track(FULL, ()), Track(LEFT, (Interval(s(1), s(2)),))))
    left = EventRule("box", 0.5, region_id="left")
    assert evaluate([], [left], both).unwatched == ("full",)
    assert evaluate([], [RULE, left], both).unwatched == ()
    assert [rule.region_id for rule in evaluate([], [left, RULE], both).rules] == ["left", "full"]
    with pytest.raises(InvalidRule, match="no truth about the region 'top'") as caught:
        evaluate([], [EventRule("box", 0.5, region_id="top")], both)
    assert caught.value.field == "rules[0].region_id"


@pytest.mark.parametrize(
    ("region", "expected"),
    [
        pytest.param(FULL, "", id="named, but the whole frame"),
        pytest.param(WHOLE_FRAME, "", id="the whole frame"),
        pytest.param(LEFT, "left", id="a part"),
    ],
)
def test_a_region_that_is_the_whole_frame_goes_with_rules_without(region: Region, expected: str) -> None:
    assert Track(region, ()).rule_region_id == expected
