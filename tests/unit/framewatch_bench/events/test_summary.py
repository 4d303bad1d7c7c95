"""Counts over several cameras."""

from __future__ import annotations

import pytest

from framewatch_bench.events.cases import Case, CaseResult
from framewatch_bench.events.summary import Summary, summaries
from framewatch_core.calibration.evaluation import Evaluation, evaluate
from framewatch_core.calibration.intervals import Interval
from framewatch_core.calibration.truth import Track, VideoTruth
from framewatch_core.images.regions import Region
from framewatch_core.rules.events import Event, EventKind
from framewatch_core.rules.rule import EventRule
from framewatch_core.time import NS_PER_S, Moment

TRUTH = VideoTruth(
    100 * NS_PER_S, NS_PER_S, (Track(Region("full", 0, 0, 1, 1), (Interval(10 * NS_PER_S, 20 * NS_PER_S),)),)
)


def evaluation(*began_s: float) -> Evaluation:
    """Evaluates events that begin then, by turns ENTERED, due at 10 s, and EXITED, due at 20 s."""
    moments = [Moment(i, round(at * NS_PER_S)) for i, at in enumerate(began_s)]
    kinds = (EventKind.ENTERED, EventKind.EXITED)
    events = [Event(kind=kinds[i % 2], rule_id="box", label="box", at=at, began=at) for i, at in enumerate(moments)]
    return evaluate(events, [EventRule("box", 0.5)], TRUTH)


def result(video: str, case: str, *began_s: float) -> CaseResult:
    return CaseResult(video, Case(case, iter, TRUTH), evaluation(*began_s), 0, 0)


def test_counts_and_f1() -> None:
    summary = Summary.of("all", [result("a", "x", 10, 20), result("b", "x", 10), result("c", "x", 10, 20, 50, 60)])
    assert (summary.videos, summary.right) == (3, 1)
    assert (summary.matched, summary.missed, summary.wrong) == (5, 1, 2)
    assert (summary.precision.value, summary.recall.value) == (5 / 7, 5 / 6)
    assert summary.f1.value == pytest.approx(2 / (7 / 5 + 6 / 5))
    assert summary.f1.low < summary.f1.value < summary.f1.high
    assert summary.f1.high < 1


def test_nothing_is_no_perfection() -> None:
    nothing = Summary.of("all", [])
    assert nothing.f1.value is None
    assert (nothing.f1.low, nothing.f1.high) == (0, 1)


def test_one_summary_for_each_kind_of_case_and_one_of_all() -> None:
    found = list(summaries([result("a", "x", 10), result("a", "y"), result("b", "x", 10, 20)]))
    assert [(each.name, each.videos, each.matched) for each in found] == [("x", 2, 3), ("y", 1, 0), ("all", 3, 3)]
    assert not list(summaries([result("a", "x"), result("a", "y")])), "a single video is its own summary"
