from __future__ import annotations

from hypothesis import given

from framewatch_core.labels.labels import LabelSet
from framewatch_core.labels.scoring import LabelScore
from framewatch_wire.labels import (
    label_score_from_proto,
    label_score_to_proto,
    label_scores_from_proto,
    label_set_from_proto,
    label_set_to_proto,
)
from tests.unit.framewatch_wire.sent import sent
from tests.unit.framewatch_wire.values import LABEL_SCORES


@given(LABEL_SCORES)
def test_scores_arrive_as_they_were(score: LabelScore) -> None:
    message = sent(label_score_to_proto(score))
    assert label_score_from_proto(message) == score
    assert label_scores_from_proto([message, message]) == (score, score)


def test_default_templates_stay_absent_and_no_templates_do_not() -> None:
    default, verbatim = LabelSet.of(["a"]), LabelSet.of(["a"], [])
    assert not label_set_to_proto(default).HasField("templates")
    assert label_set_to_proto(verbatim).HasField("templates")
    for label_set in (default, verbatim):
        assert label_set_from_proto(sent(label_set_to_proto(label_set))) == label_set
