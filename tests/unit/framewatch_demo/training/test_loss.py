"""The training objective."""

import pytest
import torch

from framewatch_demo.captions import CONCEPTS
from framewatch_demo.training.loss import LOCATED_THINGS, contrastive_loss, located_index, location_loss, relation_table
from framewatch_demo.training.meanings import MEANINGS


def test_true_sentences_do_not_compete_with_each_other() -> None:
    related = torch.tensor([[1, 1, -1]], dtype=torch.int8)
    both_high = contrastive_loss(torch.tensor([[20.0, 20.0, 0.0]]), related)
    assert float(both_high) == pytest.approx(0.0, abs=1e-3)


def test_a_false_sentence_above_a_true_one_costs() -> None:
    related = torch.tensor([[1, -1], [-1, 1]], dtype=torch.int8)
    right, wrong = torch.tensor([[9.0, 0.0], [0.0, 9.0]]), torch.tensor([[0.0, 9.0], [9.0, 0.0]])
    assert float(contrastive_loss(right, related)) < 0.01
    assert float(contrastive_loss(wrong, related)) > 5


def test_unsure_sentences_do_not_count() -> None:
    related = torch.tensor([[1, 0, -1]], dtype=torch.int8)
    low, high = (contrastive_loss(torch.tensor([[5.0, unsure, 0.0]]), related) for unsure in (-50.0, 50.0))
    assert float(low) == pytest.approx(float(high))


def test_the_table_covers_everything() -> None:
    assert relation_table().shape == (2, len(CONCEPTS), len(MEANINGS))
    named = dict(zip((concept.name for concept in CONCEPTS), located_index().tolist(), strict=True))
    assert LOCATED_THINGS[named["parking_cars"]] == "car"
    assert named["room_empty_day"] == -1


def test_location_is_learnt_from_the_covered_patches() -> None:
    coverage, things = torch.tensor([[1.0, 0.0]]), torch.tensor([0])
    right = torch.full((1, 2, len(LOCATED_THINGS)), -9.0)
    right[0, 0, 0] = 9.0
    assert float(location_loss(right, coverage, things)) < 0.01
    assert float(location_loss(-right, coverage, things)) > 5
