from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from framewatch.v1 import framewatch_pb2 as pb
from framewatch_core.rules.events import EventKind
from framewatch_core.rules.explanations import HeldBackBy, RuleExplanation
from framewatch_core.stream.messages import Explanation
from framewatch_core.time import Moment
from framewatch_wire.explanations import explanation_from_proto, explanation_to_proto
from tests.unit.framewatch_wire.sent import sent
from tests.unit.framewatch_wire.values import RULE_EXPLANATIONS, S

NEVER = RuleExplanation(
    "r", "box", "left", EventKind.ENTERED, 0, None, None, None, 0.75, 0, S, HeldBackBy.NO_FRAMES, "No frame yet."
)  # fmt: skip


@given(st.lists(RULE_EXPLANATIONS, max_size=3).map(tuple))
def test_explanations_arrive_as_they_were(rules: tuple[RuleExplanation, ...]) -> None:
    assert explanation_from_proto(sent(explanation_to_proto(Explanation(rules)))) == Explanation(rules)


@pytest.mark.parametrize("held_back_by", HeldBackBy, ids=lambda value: value.name)
def test_zeros_are_not_taken_for_nothing(held_back_by: HeldBackBy) -> None:
    near = replace(
        NEVER, frame_count=3, score=0.0, nearest_score=0.0, nearest=Moment(0, 0), longest_held_ns=S // 2, held_back_by=held_back_by
    )  # fmt: skip
    first, second = explanation_from_proto(sent(explanation_to_proto(Explanation((NEVER, near))))).rules
    assert (first.rule_id, first.label, first.region_id, first.next_kind) == ("r", "box", "left", EventKind.ENTERED)
    assert (first.score, first.nearest_score, first.nearest_frame_id, first.nearest_time_s) == (None,) * 4
    assert (first.threshold, first.needed_s, first.message) == (0.75, 1.0, "No frame yet.")
    assert (second.score, second.nearest_score, second.nearest_frame_id, second.nearest_time_s) == (0, 0, 0, 0)
    assert (second.frame_count, second.longest_held_s, second.held_back_by) == (3, 0.5, held_back_by)


def test_what_is_not_known_is_none() -> None:
    (rule,) = explanation_from_proto(
        pb.Explanation(rules=[pb.RuleExplanation(held_back_by=99, next_kind=99)])  # type: ignore[arg-type]
    ).rules
    assert (rule.held_back_by, rule.next_kind) == (None, None)
