"""Hysteresis as tables: scores over time in, events out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import pytest

from framewatch_core.errors import InvalidRule, LimitExceeded
from framewatch_core.labels.scoring import LabelScore, ScoreKind
from framewatch_core.rules.engine import RuleBook
from framewatch_core.rules.events import Event, EventKind, ExitReason, TrailPoint
from framewatch_core.rules.rule import EventRule
from framewatch_core.time import NS_PER_S, Moment
from tests.rules import quick_rule

GAP_NS = 10 * NS_PER_S


def seconds(value: float) -> int:
    return round(value * NS_PER_S)


def score(probability: float, similarity: float = 0.0, label: str = "box") -> LabelScore:
    return LabelScore(label, probability, similarity)


def rule(
    enter: float = 0.8,
    exit_: float | None = 0.5,
    present_s: float = 0,
    absent_s: float = 0,
    cooldown_s: float = 0,
    smoothing_s: float = 0,
    trail_count: int = 0,
    region: str = "",
) -> EventRule:
    return quick_rule(
        "box",
        enter,
        exit_,
        seconds(present_s),
        seconds(absent_s),
        region_id=region,
        cooldown_ns=seconds(cooldown_s),
        smoothing_ns=seconds(smoothing_s),
        trail_count=trail_count,
    )


def play(rules: list[EventRule], frames: Sequence[tuple[float, float | None]], gap_ns: int = GAP_NS) -> list[Event]:
    """`frames`: (time in s, probability, None for a held frame); frame numbers count from 1."""
    book = RuleBook()
    book.configure({r: r for r in rules}, gap_ns)
    return [
        event
        for number, (time_s, probability) in enumerate(frames, 1)
        for event in book.update(
            Moment(number, seconds(time_s)),
            {"": [score(0.0 if probability is None else probability)]},
            held={""} if probability is None else (),
        )
    ]


def brief(event: Event) -> tuple[str, int, int]:
    """Kind, completing frame, beginning frame."""
    return event.kind.name, event.at.frame_id, event.began.frame_id


def every(step_s: float, *probabilities: float | None) -> list[tuple[float, float | None]]:
    return [(i * step_s, p) for i, p in enumerate(probabilities)]


@dataclass(frozen=True)
class Case:
    id: str
    rule: EventRule
    frames: Sequence[tuple[float, float | None]]
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


COOLDOWN_CASES = [
    Case("quiet until it is over", rule(cooldown_s=3), every(1, 0.9, 0.1, 0.9, 0.9, 0.9), [("ENTERED", 1, 1), ("EXITED", 2, 2), ("ENTERED", 5, 3)]),
    Case("over to the nanosecond", rule(cooldown_s=3), [(0, 0.9), (1, 0.1), (3.999_999_999, 0.9), (4, 0.9)], [("ENTERED", 1, 1), ("EXITED", 2, 2), ("ENTERED", 4, 3)]),
    Case("a run that ended within it has no event", rule(cooldown_s=3), every(1, 0.9, 0.1, 0.9, 0.1, 0.1, 0.1), [("ENTERED", 1, 1), ("EXITED", 2, 2)]),
    Case("minimum time may pass within it", rule(present_s=2, cooldown_s=3), every(1, 0.9, 0.9, 0.9, 0.1, 0.9, 0.9, 0.9), [("ENTERED", 3, 1), ("EXITED", 4, 4), ("ENTERED", 7, 5)]),
    Case("it begins with the frame that completed EXITED", rule(absent_s=2, cooldown_s=3), every(1, 0.9, 0.1, 0.1, 0.1, 0.9, 0.9, 0.9), [("ENTERED", 1, 1), ("EXITED", 4, 2), ("ENTERED", 7, 5)]),
    Case("none before the first ENTERED", rule(cooldown_s=3), every(1, 0.9), [("ENTERED", 1, 1)]),
    Case("none before EXITED", rule(cooldown_s=3), every(1, 0.9, 0.1), [("ENTERED", 1, 1), ("EXITED", 2, 2)]),
    Case("it passes in gaps and held stretches", rule(cooldown_s=3), every(1, 0.9, 0.1, None, None, 0.9), [("ENTERED", 1, 1), ("EXITED", 2, 2), ("ENTERED", 5, 5)]),
]  # fmt: skip

HELD_CASES = [
    Case("a held frame says nothing", rule(), every(1, 0.9, None, None), [("ENTERED", 1, 1)]),
    Case("what was present is present after", rule(), every(1, 0.9, None, 0.9, 0.1), [("ENTERED", 1, 1), ("EXITED", 4, 4)]),
    Case("a label that went meanwhile has its event after", rule(), every(1, 0.9, None, 0.1), [("ENTERED", 1, 1), ("EXITED", 3, 3)]),
    Case("a presence under way begins anew", rule(present_s=2), every(1, 0.9, 0.9, None, 0.9, 0.9, 0.9), [("ENTERED", 6, 4)]),
    Case("an absence under way begins anew", rule(absent_s=1), every(1, 0.9, 0.1, None, 0.1, 0.1), [("ENTERED", 1, 1), ("EXITED", 5, 4)]),
    Case("held at first", rule(), every(1, None, None, 0.9), [("ENTERED", 3, 3)]),
]  # fmt: skip

SMOOTHING_CASES = [
    Case("the first score counts as it is", rule(smoothing_s=1), every(1, 0.8), [("ENTERED", 1, 1)]),
    Case("a flicker is smoothed away", rule(smoothing_s=1), every(0.2, 0.1, 0.1, 1.0, 0.1, 0.1), []),
    Case("after two half-lives a quarter is left", rule(0.75, smoothing_s=1), every(1, 0.0, 1.0, 1.0), [("ENTERED", 3, 3)]),
    Case("whatever the frame rate meanwhile", rule(0.75, smoothing_s=1), [(0, 0.0), (1.25, 1.0), (1.5, 1.0), (1.75, 1.0), (2, 1.0)], [("ENTERED", 5, 5)]),
    Case("a steady score at the threshold is at least that", rule(0.7, smoothing_s=0.3), every(0.1, 0.9, 0.7, 0.7), [("ENTERED", 1, 1)]),
    Case("it smooths what keeps it there too", rule(smoothing_s=1), every(1, 1.0, 0.0, 0.0), [("ENTERED", 1, 1), ("EXITED", 3, 3)]),
    Case("began is the first smoothed score past the threshold", rule(0.75, present_s=1, smoothing_s=1), every(1, 0.0, 1.0, 1.0, 1.0), [("ENTERED", 4, 3)]),
    Case("a gap at the limit is smoothed over", rule(0.75, 0.01, smoothing_s=10), [(0, 0.0), (10, 1.0)], []),
    Case("a longer one starts anew", rule(0.75, 0.01, smoothing_s=10), [(0, 0.0), (10.001, 1.0)], [("ENTERED", 2, 2)]),
    Case("a held frame starts anew", rule(0.75, 0.01, smoothing_s=10), every(1, 0.0, None, 1.0), [("ENTERED", 3, 3)]),
    Case("a frame at the same time has no weight", rule(0.75, smoothing_s=1), [(0, 0.0), (0, 1.0)], []),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES + COOLDOWN_CASES + HELD_CASES + SMOOTHING_CASES, ids=lambda case: case.id)
def test_hysteresis(case: Case) -> None:
    assert [brief(event) for event in play([case.rule], case.frames)] == case.expected


def test_entered_has_peak_and_score() -> None:
    (entered,) = play([rule(present_s=0.2)], every(0.1, 0.85, 0.95, 0.9))
    assert (entered.score, entered.peak_score, entered.present_ns) == (0.9, 0.95, None)


def test_exited_has_peak_and_duration() -> None:
    _, exited = play([rule(absent_s=0.1)], [(1, 0.85), (2, 0.99), (3, 0.3), (3.1, 0.2)])
    assert (exited.score, exited.peak_score) == (0.2, 0.99)
    assert exited.present_ns == seconds(2), "from the first frame of the presence to the first of the absence"


def test_presence_lasts_through_held_stretches() -> None:
    *_, exited = play([rule()], every(1, 0.9, None, None, 0.7, 0.1))
    assert exited.present_ns == seconds(4)


def test_peaks_and_scores_are_smoothed() -> None:
    entered, exited = play([rule(0.7, 0.3, smoothing_s=1)], every(1, 0.5, 1.0, 1.0, 0.0, 0.0))
    assert (entered.score, entered.peak_score) == (0.75, 0.75)
    assert (exited.score, exited.peak_score) == (0.21875, 0.875)


def test_a_run_that_outlasts_the_cooldown_has_its_own_peak() -> None:
    *_, entered = play([rule(cooldown_s=3)], every(1, 0.9, 0.1, 0.85, 0.95, 0.8))
    assert (entered.began.frame_id, entered.peak_score, entered.score) == (3, 0.95, 0.8)


@pytest.mark.parametrize(
    ("watched", "frames", "expected"),
    [
        pytest.param(rule(), every(1, 0.9, 0.1), [False, False], id="dense"),
        pytest.param(rule(), every(10, 0.9, 0.1), [False, False], id="gaps at the limit"),
        pytest.param(rule(), every(11, 0.1, 0.9, 0.1), [True, True], id="a gap before it began"),
        pytest.param(rule(), [(20, 0.9), (21, 0.1)], [False, False], id="no frame before the first"),
        pytest.param(rule(present_s=2), [(0, 0.9), (1, 0.9), (20, 0.9), (21, 0.9)], [True], id="a gap in the run"),
        pytest.param(rule(present_s=1), [(0, 0.1), (20, 0.1), (21, 0.9), (22, 0.9)], [False], id="a gap before the frame before"),
        pytest.param(rule(absent_s=2), [(0, 0.9), (20, 0.9), (21, 0.1), (23, 0.1)], [False, False], id="a gap while present"),
        pytest.param(rule(), [(0, 0.9), (1, None), (20, None), (20.5, 0.1)], [False, True], id="held for longer"),
        pytest.param(rule(), [(0, 0.9), (1, None), (2, 0.1)], [False, False], id="held for a moment"),
    ],
)  # fmt: skip
def test_sparse(watched: EventRule, frames: list[tuple[float, float | None]], expected: list[bool]) -> None:
    assert [event.sparse for event in play([watched], frames)] == expected


def test_rules_go_by_their_region() -> None:
    left, whole, lost = rule(region="left"), rule(), rule(region="lost")
    book = RuleBook()
    book.configure({r: r for r in (left, whole, lost)}, GAP_NS)
    found = [
        (event.kind.name, event.region_id, event.at.frame_id)
        for number, (scores, held) in enumerate(
            [
                ({"": [score(0.1)], "left": [score(0.9)]}, ()),
                ({"": [score(0.9)], "left": [score(0.1)]}, ("left",)),
                ({"": [score(0.9)]}, ()),
                ({"": [score(0.9)], "left": [score(0.1)]}, ("right", "")),
            ]
        )
        for event in book.update(Moment(number, seconds(number)), scores, held)
    ]
    assert found == [("ENTERED", "left", 0), ("ENTERED", "", 1), ("EXITED", "left", 3)]


def test_trails_have_the_last_scores() -> None:
    entered, exited = play([rule(0.75, 0.3, smoothing_s=1, trail_count=2)], every(1, 0.0, None, 0.5, 1.0, 0.0, 0.0))
    assert entered.trail is not None
    assert exited.trail is not None
    assert entered.trail.points == (
        TrailPoint(Moment(3, seconds(2)), 0.5, 0.5),
        TrailPoint(Moment(4, seconds(3)), 1.0, 0.75),
    )
    assert [(point.at.frame_id, point.smoothed_score) for point in exited.trail.points] == [(5, 0.375), (6, 0.1875)]
    assert entered.trail.runner_up is None, "there is no other label"


def test_trails_only_on_request() -> None:
    (entered,) = play([rule()], every(1, 0.9))
    assert entered.trail is None


def test_trails_name_the_best_other_label() -> None:
    book = RuleBook()
    book.configure({1: rule(0.3, 0.2, trail_count=1)}, GAP_NS)
    cup, cap = score(0.4, 0.1, "cup"), score(0.4, 0.3, "cap")
    (entered,) = book.update(Moment(1, 0), {"": [score(0.1, 0.3, "hat"), cup, score(0.5), cap]})
    assert entered.trail is not None
    assert entered.trail.runner_up == cup, "by probability, ties in the labels' order"


def test_the_peak_may_lie_before_entered_was_said() -> None:
    _, exited = play([rule(present_s=0.1)], every(0.1, 0.99, 0.85, 0.1))
    assert exited.peak_score == 0.99


def test_each_rule_keeps_its_own_state() -> None:
    rules = [replace(rule(0.8), id="0.8"), replace(rule(0.5, 0.3), id="0.5")]
    events = play(rules, every(1, 0.6, 0.9, 0.2))
    assert [(e.kind, e.rule_id) for e in events] == [
        (EventKind.ENTERED, "0.5"),
        (EventKind.ENTERED, "0.8"),
        (EventKind.EXITED, "0.8"),
        (EventKind.EXITED, "0.5"),
    ]


def test_similarity_rules_go_by_similarity() -> None:
    similar = quick_rule("box", 0.3, score_kind=ScoreKind.SIMILARITY)
    book = RuleBook()
    book.configure({1: similar}, GAP_NS)
    assert book.update(Moment(1, 0), {"": [score(0.99, 0.1)]}) == []
    (event,) = book.update(Moment(2, 1), {"": [score(0.01, 0.31)]})
    assert event.score == 0.31


def test_presence_rules_go_by_presence() -> None:
    book = RuleBook()
    book.configure({1: quick_rule("box", 0.6, score_kind=ScoreKind.PRESENCE)}, GAP_NS)
    assert book.update(Moment(1, 0), {"": [LabelScore("box", 0.9, 0.9, 0.1)]}) == []
    (event,) = book.update(Moment(2, 1), {"": [LabelScore("box", 0.1, 0.1, 0.7)]})
    assert event.score == 0.7
    with pytest.raises(InvalidRule, match="no presence"):
        book.update(Moment(3, 2), {"": [LabelScore("box", 0.1, 0.1)]})


def test_a_new_gap_limit_counts_for_the_frames_after_it() -> None:
    book = RuleBook()
    book.configure({1: rule(present_s=8)}, seconds(4))
    assert book.update(Moment(1, 0), {"": [score(0.9)]}) == []
    assert book.update(Moment(2, seconds(5)), {"": [score(0.9)]}) == []
    book.configure({1: rule(present_s=8)}, seconds(10))
    (entered,) = book.update(Moment(3, seconds(13)), {"": [score(0.9)]})
    assert brief(entered) == ("ENTERED", 3, 1)
    assert entered.sparse, "the first gap was too long when it came"


def test_a_rule_under_the_same_key_keeps_its_state() -> None:
    book = RuleBook()
    book.configure({"kept": rule(), "gone": replace(rule(0.7), id="gone")}, GAP_NS)
    assert len(book.update(Moment(1, 0), {"": [score(0.9)]})) == 2
    book.configure({"new": replace(rule(0.6), id="0.6"), "kept": rule()}, GAP_NS)
    gone, new = book.update(Moment(2, seconds(1)), {"": [score(0.7)]})
    assert gone == Event(
        kind=EventKind.EXITED,
        rule_id="gone",
        label="box",
        at=Moment(2, seconds(1)),
        began=Moment(2, seconds(1)),
        score=0.9,
        peak_score=0.9,
        present_ns=seconds(1),
        exit_reason=ExitReason.RECONFIGURED,
    )
    assert (new.kind, new.rule_id, new.exit_reason) == (EventKind.ENTERED, "0.6", None)
    exits = book.update(Moment(3, seconds(2)), {"": [score(0.1)]})
    assert [(e.rule_id, e.exit_reason) for e in exits] == [("0.6", ExitReason.ABSENT), ("box", ExitReason.ABSENT)]


def test_a_rule_that_was_not_present_leaves_without_an_event() -> None:
    book = RuleBook()
    book.configure({1: rule()}, GAP_NS)
    assert book.update(Moment(1, 0), {"": [score(0.1)]}) == []
    book.configure({}, GAP_NS)
    assert book.update(Moment(2, 1), {"": [score(0.9)]}) == []


def test_a_rule_that_leaves_is_reported_although_its_region_is_held() -> None:
    book = RuleBook()
    book.configure({1: rule()}, GAP_NS)
    book.update(Moment(1, 0), {"": [score(0.9)]})
    book.configure({}, GAP_NS)
    assert [event.exit_reason for event in book.update(Moment(2, 1), {}, {""})] == [ExitReason.RECONFIGURED]


@pytest.mark.parametrize(
    ("before", "edited", "frames", "expected"),
    [
        pytest.param(rule(0.8), rule(0.79), [0.9, "edit", 0.9, 0.1], ["ENTERED 1", "EXITED 3"], id="lower threshold"),
        pytest.param(rule(0.8, 0.8), rule(0.95, 0.95), [0.9, "edit", 0.96, 0.9], ["ENTERED 1", "EXITED 3"], id="higher threshold"),
        pytest.param(rule(0.8), rule(0.95, 0.5), [0.9, "edit", 0.6, 0.4], ["ENTERED 1", "EXITED 3"], id="more hysteresis"),
        pytest.param(rule(), rule(trail_count=3), [0.9, "edit", 0.9, 0.1], ["ENTERED 1", "EXITED 3"], id="a trail"),
        pytest.param(rule(present_s=2), rule(present_s=1), [0.9, "edit", 0.9], ["ENTERED 2"], id="less time"),
        pytest.param(rule(0.8, present_s=2), rule(0.7, present_s=2), [0.9, 0.9, "edit", 0.9], ["ENTERED 3"], id="a run goes on under a lower threshold"),
        pytest.param(rule(0.5, present_s=2), rule(0.8, present_s=2), [0.6, 0.6, "edit", 0.9, 0.9, 0.9], ["ENTERED 5"], id="a run ends under a higher one"),
        pytest.param(rule(0.8, 0.6, absent_s=2), rule(0.8, 0.4, absent_s=2), [0.9, 0.5, 0.5, "edit", 0.3, 0.3, 0.3], ["ENTERED 1", "EXITED 6"], id="an absence ends under a lower one"),
        pytest.param(rule(present_s=2), rule(present_s=2, smoothing_s=1), [0.9, 0.9, "edit", 0.9, 0.9, 0.9], ["ENTERED 5"], id="a run ends with other smoothing"),
        pytest.param(rule(cooldown_s=9), rule(cooldown_s=2), [0.9, 0.1, "edit", 0.9, 0.9], ["ENTERED 1", "EXITED 2", "ENTERED 4"], id="the cooldown counts from the exit"),
    ],
)  # fmt: skip
def test_an_edited_rule_goes_on(
    before: EventRule, edited: EventRule, frames: list[float | str], expected: list[str]
) -> None:
    book, events, number = RuleBook(), list[Event](), 0
    book.configure({1: before}, GAP_NS)
    for each in frames:
        if isinstance(each, str):
            book.configure({1: edited}, GAP_NS)
            continue
        number += 1
        events += book.update(Moment(number, seconds(number)), {"": [score(each)]})
    assert [f"{event.kind.name} {event.at.frame_id}" for event in events] == expected


@pytest.mark.parametrize(
    ("edited", "subject"), [(rule(0.79), 0), (rule(), 1)], ids=["a threshold", "what the label or the region is"]
)
def test_explanations_begin_anew_with_an_edit(edited: EventRule, subject: int) -> None:
    book = RuleBook()
    book.configure({1: rule()}, GAP_NS, {1: 0})
    book.update(Moment(1, 0), {"": [score(0.5)]})
    book.configure({1: edited}, GAP_NS, {1: subject})
    (explanation,) = book.explain()
    assert (explanation.frame_count, explanation.nearest_score, explanation.score) == (0, None, 0.5)
    assert explanation.message == "No frame has been scored since the rule was edited."


def test_another_look_at_a_book_changes_nothing() -> None:
    book = RuleBook()
    book.configure({1: rule()}, GAP_NS)
    book.update(Moment(1, 0), {"": [score(0.9)]})
    assert [each.threshold for each in book.under({1: rule(0.95, 0.9)}, GAP_NS).explain()] == [0.9]
    assert book.under({}, GAP_NS).explain() == []
    (exited,) = book.update(Moment(2, 1), {"": [score(0.1)]})
    assert exited.exit_reason is ExitReason.ABSENT


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
        pytest.param({"cooldown_ns": -1}, "cooldown", id="negative cooldown"),
        pytest.param({"smoothing_ns": -1}, "smoothing", id="negative smoothing"),
        pytest.param({"trail_count": -1}, "trail_count", id="negative trail"),
    ],
)
def test_impossible_rules_name_their_field(arguments: dict[str, object], field: str) -> None:
    with pytest.raises(InvalidRule) as caught:
        EventRule(**{"label": "box", "enter_at": 0.8, **arguments})  # type: ignore[arg-type]
    assert caught.value.field == field


def test_long_ids_are_refused() -> None:
    with pytest.raises(LimitExceeded, match="max_name_chars"):
        EventRule("box", 0.8, id="x" * 257)


def test_long_trails_are_refused() -> None:
    with pytest.raises(LimitExceeded, match="max_trail_count") as caught:
        EventRule("box", 0.8, trail_count=1001)
    assert caught.value.field == "trail_count"
