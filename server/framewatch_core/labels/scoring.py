"""Scores from embeddings.

The probabilities are those of the models' reference code in transformers: for CLIP
`softmax(logit_scale · cosine)` over the label set, for SigLIP `sigmoid(logit_scale · cosine + logit_bias)`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

import numpy as np

from framewatch_core.arrays import Float32Array
from framewatch_core.errors import InvalidRule
from framewatch_core.quoting import quoted


class ScoreKind(Enum):
    """Kinds of score that a label has."""

    PROBABILITY = auto()
    SIMILARITY = auto()
    PRESENCE = auto()


class ScoreFunction(Enum):
    """Function from a model's logits to probabilities."""

    SOFTMAX = auto()
    SIGMOID = auto()


@dataclass(frozen=True, slots=True)
class ScoreHead:
    """A model's function from cosines to probabilities.

    Attributes:
        logit_scale: factor of the cosine, greater than 0 (already exponentiated).
        logit_bias: added to the logit.
        score_function: softmax over the set, or a sigmoid for each label.

    """

    logit_scale: float
    logit_bias: float = 0.0
    score_function: ScoreFunction = ScoreFunction.SOFTMAX

    def probabilities(self, similarities: Float32Array) -> Float32Array:
        """Returns the probabilities of cosines, float32 `[..., labels]` to the same shape; computed in float64."""
        logits = similarities.astype(np.float64)
        logits *= self.logit_scale
        logits += self.logit_bias
        if self.score_function is ScoreFunction.SIGMOID:
            return np.asarray(1.0 / (1.0 + np.exp(-logits)), dtype=np.float32)
        # ufuncs in place: for a few labels, functions that wrap them cost more than they do
        logits -= np.maximum.reduce(logits, axis=-1, keepdims=True)
        powers = np.exp(logits, out=logits)
        powers /= np.add.reduce(powers, axis=-1, keepdims=True)
        return powers.astype(np.float32)


@dataclass(frozen=True, slots=True)
class LabelScore:
    """Scores of one label for an image.

    Attributes:
        label: the label's name.
        probability: in [0, 1].
        similarity: cosine, in [-1, 1].
        presence: against the label's own contrast, in [0, 1]; None: not computed.

    """

    label: str
    probability: float
    similarity: float
    presence: float | None = None

    def value(self, kind: ScoreKind) -> float:
        """Returns the score of that kind. Raises InvalidRule for a presence that was not computed."""
        if kind is ScoreKind.PROBABILITY:
            return self.probability
        if kind is ScoreKind.SIMILARITY:
            return self.similarity
        if self.presence is None:
            raise InvalidRule(
                f"the scores of {quoted(self.label)} have no presence: use its probability or similarity", "score_kind"
            )
        return self.presence


def cosines_by_query(candidates: Float32Array, queries: Float32Array) -> Float32Array:
    """Returns cosines of L2-normalised vectors, `[n, d]` and `[q, d]` to `[q, n]`, clipped to [-1, 1].

    A query's are the same to the bit whatever other queries there are, which those of `cosines` are not.
    """
    return _within_bounds(products(candidates, queries))


def products(matrix: Float32Array, vectors: Float32Array) -> Float32Array:
    """Returns products of a matrix and each of several vectors, `[n, d]` and `[q, d]` to `[q, n]`."""
    if len(vectors) == 1:  # the same, quicker
        return np.asarray(matrix @ vectors[0])[np.newaxis]
    found: Float32Array = np.matmul(matrix, vectors[:, :, np.newaxis])[..., 0]
    return found


def cosines(queries: Float32Array, candidates: Float32Array) -> Float32Array:
    """Returns cosines of L2-normalised vectors, `[q, d]` and `[n, d]` to `[q, n]`, clipped to [-1, 1]."""
    return _within_bounds(queries @ candidates.T)


def _within_bounds(values: Float32Array) -> Float32Array:
    np.minimum(np.maximum(values, -1.0, out=values), 1.0, out=values)
    return values


def ensemble(embeddings: Float32Array) -> Float32Array:
    """Returns the normalised mean `[d]` of L2-normalised embeddings `[n, d]`: the CLIP paper's prompt ensemble."""
    return l2_normalise(embeddings.mean(axis=0))


def l2_normalise(vectors: Float32Array) -> Float32Array:
    """Returns vectors with length 1 along the last axis."""
    return np.asarray(vectors / np.linalg.norm(vectors, axis=-1, keepdims=True), dtype=np.float32)
