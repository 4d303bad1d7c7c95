"""Training objective of the demo model."""

import numpy as np
import torch
from torch import Tensor, nn

from framewatch_demo.captions import CONCEPTS, TEMPLATES
from framewatch_demo.training.meanings import MEANINGS, relation

_OUT = -1e4
_IMAGE_SIDE_WEIGHT = 0.5
_LOCATION_WEIGHT = 12.0
# Most patches show none of the things, so the others weigh more.
_COVERED_WEIGHT = 3.0

LOCATED_THINGS = ("person", "dog", "box", "bottle", "cup", "car")
"""Things that the auxiliary head finds, patch by patch."""


def relation_table() -> Tensor:
    """Returns `relation` of every meaning to every concept, far and close: int8, shape (2, concepts, meanings)."""
    rows = [
        [[relation(meaning, concept, close) for meaning in MEANINGS] for concept in CONCEPTS] for close in (False, True)
    ]
    return torch.tensor(rows, dtype=torch.int8)


def located_index() -> Tensor:
    """Returns the index of each concept's thing in `LOCATED_THINGS`, or -1: int64, shape (concepts,)."""
    things = [concept.thing for concept in CONCEPTS]
    return torch.tensor([LOCATED_THINGS.index(thing) if thing in LOCATED_THINGS else -1 for thing in things])


def draw_sentences(rng: np.random.Generator) -> list[str]:
    """Draws a random sentence for every meaning, in the order of `MEANINGS`."""
    sentences = []
    for meaning in MEANINGS:
        phrase = meaning.phrases[int(rng.integers(len(meaning.phrases)))]
        sentences.append(TEMPLATES[int(rng.integers(len(TEMPLATES)))].format(phrase))
    return sentences


def contrastive_loss(logits: Tensor, related: Tensor) -> Tensor:
    """Returns the loss of every true sentence against all false ones of its picture, and of pictures likewise.

    Several sentences are true of one picture, so each competes with the false ones only, not with the other true ones.

    Args:
        logits: shape (pictures, sentences).
        related: 1 true, -1 false, 0 left out; the same shape.

    """
    true, false = related > 0, related < 0
    by_picture = _one_against_false(logits, true, false, dim=1)
    by_sentence = _one_against_false(logits, true, false, dim=0)
    return by_picture + _IMAGE_SIDE_WEIGHT * by_sentence


def _one_against_false(logits: Tensor, true: Tensor, false: Tensor, dim: int) -> Tensor:
    against = torch.logsumexp(torch.where(false, logits, _OUT), dim=dim, keepdim=True)
    each = nn.functional.softplus(against - logits) * true
    counts = true.sum(dim=dim)
    return (each.sum(dim=dim) / counts.clamp(min=1)).sum() / (counts > 0).sum().clamp(min=1)


def location_loss(patch_logits: Tensor, coverage: Tensor, things: Tensor) -> Tensor:
    """Returns the loss of the patches' predictions of the thing that they show.

    It teaches the image tower to locate things; the head that computes `patch_logits` is discarded after training.

    Args:
        patch_logits: shape (pictures, patches, located things).
        coverage: share of each patch that the picture's thing covers, 0..1, shape (pictures, patches).
        things: index into `LOCATED_THINGS` or -1, shape (pictures,).

    """
    target = torch.zeros_like(patch_logits)
    rows = torch.nonzero(things >= 0).squeeze(1)
    target[rows, :, things[rows]] = coverage[rows]
    weight = torch.tensor(_COVERED_WEIGHT)
    mean = nn.functional.binary_cross_entropy_with_logits(patch_logits, target, pos_weight=weight)
    return _LOCATION_WEIGHT * mean
