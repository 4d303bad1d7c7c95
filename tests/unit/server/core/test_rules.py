"""Hysteresis as tables: scores over time in, events out."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from framewatch_core.errors import InvalidRule, LimitExceeded
from framewatch_core.rules import NS_PER_S, EventKind, EventRule, Moment, RuleBook, RuleEvent
from framewatch_core.scoring import LabelScore, ScoreKind

GAP_NS = 10 * NS_PER_S


def seconds(value: float) -> int:
    return round(value * NS_PER_S)


def score(probability: float, similarity: float = 0.0, label: str = "box") -> LabelScore:
    return LabelScore(label, probability, similarity)


def rule(enter: float = 0.8, exit_: float | None = 0.5, present_s: float = 0, absent_s: float = 0) -> EventRule:
    return EventRule("box", enter, exit_, seconds(present_s), seconds(absent_s))


def play(rules: list[EventRule], frames: list[tuple[float, float]], gap_ns: int = GAP_NS) -> list[RuleEvent]:
    """`frames`: (time in s, probability); frame numbers count from 1."""
    book = RuleBook()
    book.configure({r: r for r in rules}, gap_ns)
    return [
        event
        for number, (time_s, probability) in enumerate(frames, 1)
        for event in book.update(Moment(number, seconds(time_s)), {"": [score(probability)]})
    ]


def brief(event: RuleEvent) -> tuple[str, int, int]:
    """Kind, completing frame, beginning frame."""
    return event.kind.name, event.at.frame_id, event.began.frame_id


def every(step_s: float, *probabilities: float) -> list[tuple[float, float]]:
    return [(i * step_s, p) for i, p in enumerate(probabilities)]


@dataclass(frozen=True)
class Case:
    id: str
    rule: EventRule
    frames: list[tuple[float, float]]
    expected: list[tuple[str, int, int]]


CASES = [
    Case("never high: nothing", rule(), every(0.1, 0.1, 0.5, 0.79), []),
    Case("one frame is enough without minimum times", rule(), every(0.1, 0.1, 0.8, 0.1), [("ENTERED", 2, 2), ("EXITED", 3, 3)]),
    Case("enter_at belongs to high", rule(), every(0.1, 0.8), [("ENTERED", 1, 1)]),
    Case("exit_below belongs to staying", rule(), every(0.1, 0.9, 0.5, 0.5), [("ENTERED", 1, 1)]),
    Case("between the thresholds nothing changes", rule(), every(0.1, 0.9, 0.6, 0.7, 0.55, 0.79), [("ENTERED", 1, 1)]),
    Case("between the thresholds nothing begins", rule(), every(0.1, 0.6, 0.7, 0.79), []),
    Case("exit defaults to enter", rule(exit_=None), every(0.1, 0.9, 0.79), [("ENTERED", 1, 1), ("EXITED", 2, 2)]),
    Case("wavering around one threshold with hysteresis is quiet", rule(), every(0.1, *[0.81, 0.79] * 5), [("ENTERED", 1, 1)]),
    Case("minimum presence, from first to last frame", rule(present_s=0.3), every(0.1, 0.9, 0.9, 0.9, 0.9), [("ENTERED", 4, 1)]),
    Case("too short a presence", rule(present_s=0.3), every(0.1, 0.9, 0.9, 0.9, 0.1), []),
    Case(
        "a dip starts the presence anew",
        rule(present_s=0.2),
        every(0.1, 0.9, 0.9, 0.7, 0.9, 0.9, 0.9),
        [("ENTERED", 6, 4)],
    ),
    Case(
        "minimum absence",
        rule(absent_s=0.2),
        every(0.1, 0.9, 0.1, 0.1, 0.1, 0.1),
        [("ENTERED", 1, 1), ("EXITED", 4, 2)],
    ),
    Case(
        "a flicker during the absence starts it anew",
        rule(absent_s=0.2),
        every(0.1, 0.9, 0.1, 0.1, 0.6, 0.1, 0.1, 0.1),
        [("ENTERED", 1, 1), ("EXITED", 7, 5)],
    ),
    Case("again after it went", rule(), every(1, 0.9, 0.1, 0.9, 0.1), [("ENTERED", 1, 1), ("EXITED", 2, 2), ("ENTERED", 3, 3), ("EXITED", 4, 4)]),
    Case("a gap at the limit counts", rule(present_s=10), [(0, 0.9), (10, 0.9)], [("ENTERED", 2, 1)]),
    Case("a gap beyond the limit does not count", rule(present_s=10), [(0, 0.9), (10.001, 0.9)], []),
    Case("what was before and after the gap counts", rule(present_s=2), [(0, 0.9), (1, 0.9), (60, 0.9), (61, 0.9)], [("ENTERED", 4, 1)]),
    Case("a gap in the absence", rule(absent_s=1), [(0, 0.9), (1, 0.1), (60, 0.1), (61, 0.1)], [("ENTERED", 1, 1), ("EXITED", 4, 2)]),
    Case("frames at the same time", rule(present_s=0.1), [(0, 0.9), (0, 0.9), (0.1, 0.9)], [("ENTERED", 3, 1)]),
    Case("sums of tenths are exact", rule(present_s=0.3), [(0.4, 0.9), (0.5, 0.9), (0.6, 0.9), (0.7, 0.9)], [("ENTERED", 4, 1)]),
    Case("sparse frames", rule(present_s=1, absent_s=1), every(5, 0.9, 0.9, 0.1, 0.1), [("ENTERED", 2, 1), ("EXITED", 4, 3)]),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_hysteresis(case: Case) -> None:
    assert [brief(event) for event in play([case.rule], case.frames)] == case.expected


def test_entered_tells_peak_and_score() -> None:
    (entered,) = play([rule(present_s=0.2)], every(0.1, 0.85, 0.95, 0.9))
    assert (entered.score, entered.peak, entered.present_ns) == (0.9, 0.95, None)


def test_exited_tells_peak_and_how_long() -> None:
    _, exited = play([rule(absent_s=0.1)], [(1, 0.85), (2, 0.99), (3, 0.3), (3.1, 0.2)])
    assert (exited.score, exited.peak) == (0.2, 0.99)
    assert exited.present_ns == seconds(2), "from the first frame of the presence to the first of the absence"


def test_each_rule_keeps_its_own_state() -> None:
    events = play([rule(0.8), rule(0.5, 0.3)], every(1, 0.6, 0.9, 0.2))
    assert [(e.kind, e.rule.enter_at) for e in events] == [
        (EventKind.ENTERED, 0.5),
        (EventKind.ENTERED, 0.8),
        (EventKind.EXITED, 0.8),
        (EventKind.EXITED, 0.5),
    ]


def test_similarity_rules_look_at_similarity() -> None:
    similar = EventRule("box", 0.3, score=ScoreKind.SIMILARITY)
    book = RuleBook()
    book.configure({1: similar}, GAP_NS)
    assert book.update(Moment(1, 0), {"": [score(0.99, 0.1)]}) == []
    (event,) = book.update(Moment(2, 1), {"": [score(0.01, 0.31)]})
    assert event.score == 0.31


def test_a_rule_under_the_same_key_keeps_its_state() -> None:
    book = RuleBook()
    book.configure({"kept": rule(), "gone": rule(0.7)}, GAP_NS)
    assert len(book.update(Moment(1, 0), {"": [score(0.9)]})) == 2
    book.configure({"new": rule(0.6), "kept": rule()}, GAP_NS)
    assert [(e.kind, e.rule.enter_at) for e in book.update(Moment(2, 1), {"": [score(0.9)]})] == [
        (EventKind.ENTERED, 0.6)
    ]
    assert [e.kind for e in book.update(Moment(3, 2), {"": [score(0.1)]})] == [EventKind.EXITED, EventKind.EXITED]


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        pytest.param({"label": ""}, "label", id="no label"),
        pytest.param({"enter_at": 0}, "enter_at", id="enter 0"),
        pytest.param({"enter_at": 1.01}, "enter_at", id="enter above 1"),
        pytest.param({"enter_at": float("nan")}, "enter_at", id="enter NaN"),
        pytest.param({"exit_below": 0.81}, "exit_below", id="exit above enter"),
        pytest.param({"exit_below": 0}, "exit_below", id="exit 0"),
        pytest.param({"exit_below": float("nan")}, "exit_below", id="exit NaN"),
        pytest.param({"min_present_ns": -1}, "min_present", id="negative presence"),
        pytest.param({"min_absent_ns": -1}, "min_absent", id="negative absence"),
    ],
)
def test_impossible_rules_name_their_field(arguments: dict[str, object], field: str) -> None:
    with pytest.raises(InvalidRule) as caught:
        EventRule(**{"label": "box", "enter_at": 0.8, **arguments})  # type: ignore[arg-type]
    assert caught.value.field == field


def test_long_ids_are_refused() -> None:
    with pytest.raises(LimitExceeded, match="max_name_chars"):
        EventRule("box", 0.8, id="x" * 257)
