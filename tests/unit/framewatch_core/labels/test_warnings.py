"""Warnings about labels whose probabilities say little."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from framewatch_core.images.image import EncodedImage
from framewatch_core.labels.labels import Label, LabelSet
from framewatch_core.labels.scoring import ScoreFunction
from framewatch_core.labels.warnings import MAX_WARNINGS, doubtful_labels

SOFTMAX, SIGMOID = ScoreFunction.SOFTMAX, ScoreFunction.SIGMOID
PICTURES = ((EncodedImage(b"with"),), (EncodedImage(b"without"),))


@pytest.mark.parametrize(
    ("labels", "score_function", "by_probability", "reasons"),
    [
        pytest.param([Label("box")], SOFTMAX, None, ["SINGLE_LABEL"], id="a single one"),
        pytest.param([Label("box")], SIGMOID, None, [], id="by itself with a sigmoid"),
        pytest.param([Label("box"), Label("belt")], SOFTMAX, None, [], id="two"),
        pytest.param([Label("box")], SOFTMAX, False, [], id="no probability is used"),
        pytest.param([Label("box", (), ("belt",))], SOFTMAX, None, [], id="with a contrast"),
        pytest.param([Label("box", (), (), *PICTURES)], SOFTMAX, None, [], id="with examples"),
        pytest.param(
            [Label("box", (), ("belt",))], SOFTMAX, True, ["SINGLE_LABEL"], id="with a contrast that is not used"
        ),
        pytest.param([Label("A box"), Label("a  box ")], SIGMOID, None, ["SIMILAR_LABELS"], id="space and case"),
        pytest.param([Label("a box"), Label("boxes"), Label("abox")], SOFTMAX, None, [], id="other words"),
    ],
)
def test_reasons(
    labels: Sequence[Label], score_function: ScoreFunction, by_probability: bool | None, reasons: Sequence[str]
) -> None:
    found = doubtful_labels(LabelSet(tuple(labels)), score_function, by_probability=by_probability)
    assert [warning.reason for warning in found] == reasons


def test_each_label_is_compared_with_the_first_of_its_kind() -> None:
    found = doubtful_labels(LabelSet.of(["Cat", "dog", "cat", "CAT"]), SOFTMAX)
    assert [warning.field for warning in found] == ["labels[2].name", "labels[3].name"]
    assert all("Cat" in warning.message for warning in found)


def test_many_are_cut_short() -> None:
    names = [f"a{' ' * count}b" for count in range(1, 40)]
    assert len(doubtful_labels(LabelSet.of(names), SOFTMAX)) == MAX_WARNINGS
