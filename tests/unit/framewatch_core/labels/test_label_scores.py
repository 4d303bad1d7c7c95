from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from framewatch_core.errors import InvalidRule
from framewatch_core.labels.label_scores import LabelNames, LabelScores, best_first, by_label, rank
from framewatch_core.labels.scoring import LabelScore, ScoreKind

TIED = (("a", 0.2), ("b", 0.5), ("c", 0.2), ("d", 0.1))


def as_objects(*probabilities: tuple[str, float]) -> tuple[LabelScore, ...]:
    return tuple(
        LabelScore(name, float(np.float32(p)), float(np.float32(p / 2)), float(np.float32(1 - p)))
        for name, p in probabilities
    )


def as_arrays(*probabilities: tuple[str, float]) -> LabelScores:
    values = np.array([[p, p / 2, 1 - p] for _, p in probabilities], np.float32).reshape(-1, 3)
    return LabelScores(LabelNames([name for name, _ in probabilities]), values)


def with_ranking(*probabilities: tuple[str, float]) -> LabelScores:
    scores = as_arrays(*probabilities)
    return LabelScores(scores.names, scores.values, None, rank(scores.values[:, 0]))


KINDS = pytest.mark.parametrize("make", [as_objects, as_arrays, with_ranking])
Make = Callable[..., Sequence[LabelScore]]


def test_they_are_a_sequence_like_the_tuple_of_the_same_scores() -> None:
    objects, arrays = as_objects(*TIED), as_arrays(*TIED)
    assert len(arrays) == 4
    assert tuple(arrays) == objects
    assert arrays == objects
    assert objects == arrays
    assert hash(arrays) == hash(objects)
    assert arrays[2] == objects[2]
    assert arrays[-1] == objects[-1]
    assert arrays[1:3] == objects[1:3]
    assert list(reversed(arrays)) == list(reversed(objects))
    assert objects[1] in arrays
    assert arrays != objects[:3]
    assert arrays != objects[::-1]
    assert arrays != "a"
    with pytest.raises(IndexError):
        arrays[4]


def test_a_representation_is_short_however_many_there_are() -> None:
    assert (
        repr(as_arrays(("a", 0.5)))
        == "LabelScores(LabelScore(label='a', probability=0.5, similarity=0.25, presence=0.5))"
    )
    assert repr(as_arrays(*((str(i), 0.5) for i in range(1000)))).endswith("… 995 more)")


@KINDS
def test_best_first_keeps_the_order_of_ties(make: Make) -> None:
    scores, objects = make(*TIED), as_objects(*TIED)
    expected = [objects[i] for i in (1, 0, 2, 3)]
    assert list(best_first(scores)) == expected
    assert list(best_first(scores, 2)) == expected[:2]
    assert list(best_first(scores, 9)) == expected
    assert list(best_first(best_first(scores)[:3], 2)) == expected[:2]


@KINDS
@pytest.mark.parametrize(("label", "other"), [("b", "a"), ("a", "b"), ("c", "b")])
def test_rules_read_them_by_label(make: Make, label: str, other: str) -> None:
    scores, (score,) = by_label(make(*TIED)), (score for score in as_objects(*TIED) if score.label == label)
    for kind in ScoreKind:
        assert scores.value(label, kind) == score.value(kind)
    best = scores.best_except(label)
    assert best is not None
    assert best.label == other


@KINDS
def test_a_label_that_is_alone_has_no_runner_up(make: Make) -> None:
    assert by_label(make(("a", 0.5))).best_except("a") is None


def test_presence_may_be_missing() -> None:
    scores = LabelScores(LabelNames(["a"]), np.array([[0.5, 0.25]], np.float32))
    assert tuple(scores) == (LabelScore("a", 0.5, 0.25, None),)
    assert scores.value("a", ScoreKind.SIMILARITY) == 0.25
    with pytest.raises(InvalidRule, match="no presence"):
        scores.value("a", ScoreKind.PRESENCE)


@given(
    st.lists(st.sampled_from([0.0, -0.0, 0.25, 0.5, 1.0]) | st.floats(0, 1, width=32), max_size=40), st.integers(0, 50)
)
def test_arrays_are_ranked_as_objects_are(probabilities: list[float], top_count: int) -> None:
    numbered = [(str(i), p) for i, p in enumerate(probabilities)]
    expected = sorted(as_objects(*numbered), key=lambda score: -score.probability)
    for make in (as_arrays, with_ranking):
        assert list(best_first(make(*numbered), top_count)) == (expected[:top_count] if top_count else expected)


def test_a_frame_takes_some_bytes_a_score() -> None:
    count = 1000
    numbered = [(f"label {i}", i / count) for i in range(count)]
    assert with_ranking(*numbered).best_first().byte_count <= 15 * count, "float32 three times, and a position"
    few = with_ranking(*numbered).best_first(5)
    assert few.byte_count < 1000, "those that are not asked for are not kept"
    assert few.values.base is None
    assert few.labels is not None
    assert few.labels.base is None
