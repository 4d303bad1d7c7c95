from __future__ import annotations

import numpy as np
import pytest

from framewatch_core.labels.scoring import LabelScore, ScoreFunction, ScoreHead, best_first, cosine, ensemble

EYE = np.eye(3, dtype=np.float32)


def test_softmax_is_the_models_own() -> None:
    (probabilities,) = ScoreHead(2.0).probabilities(np.array([[1.0, 0.0, -1.0]], np.float32))
    powers = np.exp([2.0, 0.0, -2.0])
    assert probabilities == pytest.approx(powers / powers.sum(), abs=1e-6)


def test_sigmoid_has_a_bias_and_no_sum() -> None:
    head = ScoreHead(10.0, -5.0, ScoreFunction.SIGMOID)
    assert head.probabilities(np.array([0.5, 1.0], np.float32)) == pytest.approx([0.5, 1 / (1 + np.exp(-5))], abs=1e-6)


@pytest.mark.parametrize("scale", [1.0, 100.0, 1e4])
def test_probabilities_of_a_thousand_labels_sum_to_one(scale: float) -> None:
    similarities = np.random.default_rng(0).uniform(-1, 1, 1000).astype(np.float32)
    assert ScoreHead(scale).probabilities(similarities).sum() == pytest.approx(1, abs=1e-5)


def test_cosines_never_leave_their_range() -> None:
    longer = EYE[:1] * np.float32(1.0000002)
    assert cosine(longer, longer[0]).tolist() == [1.0]


def test_best_first_keeps_the_order_of_ties() -> None:
    scores = tuple(LabelScore(name, p, 0) for name, p in [("a", 0.2), ("b", 0.5), ("c", 0.2), ("d", 0.1)])
    assert [s.label for s in best_first(scores)] == ["b", "a", "c", "d"]
    assert [s.label for s in best_first(scores, 2)] == ["b", "a"]
    assert len(best_first(scores, 9)) == 4


def test_an_ensemble_is_the_normalised_mean() -> None:
    assert ensemble(EYE[:2]) == pytest.approx(np.array([1, 1, 0]) / np.sqrt(2))
