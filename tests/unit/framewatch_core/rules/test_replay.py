"""Recorded scores through the rule engine."""

from __future__ import annotations

import pytest

from framewatch_core.errors import InvalidRule
from framewatch_core.labels.scoring import LabelScore, ScoreKind
from framewatch_core.rules.replay import RecordedFrame, replay
from framewatch_core.rules.rule import EventRule
from framewatch_core.time import NS_PER_S, Moment
from tests.rules import quick_rule


def frames(*scores: float, region: str = "", held: frozenset[str] = frozenset()) -> list[RecordedFrame]:
    return [
        RecordedFrame(Moment(i, i * NS_PER_S), {region: [LabelScore("box", score, 0.0)]}, held)
        for i, score in enumerate(scores)
    ]


def test_events_are_the_rule_engines() -> None:
    events = replay(frames(0.1, 0.9, 0.9, 0.2), [quick_rule("box", 0.5), quick_rule("box", 0.95, id="never")])
    assert [(e.kind.name, e.at.frame_id, e.rule_id) for e in events] == [("ENTERED", 1, "box"), ("EXITED", 3, "box")]


def test_rules_go_by_their_regions() -> None:
    recorded = [
        RecordedFrame(Moment(1, 0), {"a": [LabelScore("box", 0.9, 0)], "b": [LabelScore("box", 0.1, 0)]}),
    ]
    rules = [quick_rule("box", 0.5, region_id=region, id=region) for region in "ab"]
    assert [event.rule_id for event in replay(recorded, rules)] == ["a"]


def test_held_frames_are_not_given_to_rules() -> None:
    recorded = [*frames(0.9), *(RecordedFrame(Moment(5, 5 * NS_PER_S), {}, frozenset({""})),)]
    assert [event.kind.name for event in replay(recorded, [quick_rule("box", 0.5)])] == ["ENTERED"]


def test_gaps_count_as_given() -> None:
    rule = quick_rule("box", 0.5, min_present_ns=NS_PER_S)
    assert len(replay(frames(0.9, 0.9), [rule])) == 1
    assert replay(frames(0.9, 0.9), [rule], max_frame_gap_ns=NS_PER_S // 2) == []


@pytest.mark.parametrize(
    ("rule", "field", "message"),
    [
        pytest.param(EventRule("dog", 0.5), "rules[1].label", "label 'dog' in the whole frame", id="label"),
        pytest.param(EventRule("box", 0.5, region_id="a"), "rules[1].label", "region 'a'", id="region"),
        pytest.param(
            EventRule("box", 0.5, score_kind=ScoreKind.PRESENCE), "rules[1].score_kind", "presence", id="presence"
        ),
    ],
)
def test_rules_without_a_recording_are_refused(rule: EventRule, field: str, message: str) -> None:
    with pytest.raises(InvalidRule, match=message) as caught:
        replay(frames(0.9), [EventRule("box", 0.5, id="fine"), rule])
    assert caught.value.field == field
