from __future__ import annotations

import numpy as np
import pytest

from framewatch_core.labels.scoring import ScoreFunction, ScoreHead, cosines, cosines_by_query, ensemble

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
    assert cosines_by_query(longer, longer).tolist() == cosines(longer, longer).tolist() == [[1.0]]


@pytest.mark.parametrize("others", [0, 3, 40])
def test_a_querys_cosines_do_not_depend_on_the_other_queries(others: int) -> None:
    random = np.random.default_rng(others)
    texts, images = (random.standard_normal((n, 512)).astype(np.float32) for n in (7, 1 + others))
    alone = np.clip(texts @ images[0], -1, 1)
    assert cosines_by_query(texts, images)[0].tobytes() == alone.tobytes()


def test_an_ensemble_is_the_normalised_mean() -> None:
    assert ensemble(EYE[:2]) == pytest.approx(np.array([1, 1, 0]) / np.sqrt(2))
