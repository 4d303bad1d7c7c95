"""Scores of a label set, from an image's vector.

`presence` compares a label with its own contrast alone. From prompts it is the softmax of the two cosines with the
model's logit scale, which for two is a sigmoid of the difference (a sigmoid model's bias cancels out); from examples it
is the sigmoid of `presence.Discriminant`'s logit; from both it is the sigmoid of the mean of the two logits.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from framewatch_core.arrays import Float32Array
from framewatch_core.labels.label_scores import COLUMNS, FEW_SCORES, LabelNames, LabelScores, rank
from framewatch_core.labels.labels import LabelSet
from framewatch_core.labels.presence import Discriminant
from framewatch_core.labels.scoring import LabelScore, ScoreHead, cosines_by_query, products


@dataclass(frozen=True, slots=True, eq=False)
class LabelVectors:
    """Vectors that a label set's scores are computed with.

    Attributes:
        names: of the n labels.
        texts: L2-normalised embeddings `[n + contrasts, dimension]`: the labels', then the distinct contrasts'.
        contrasts: for each label the row of its contrast in `texts`; 0 for a label without one.
        text_share: float32 `[n]`: the share of the texts in the logit of presence: 0, 0.5 or 1.
        directions: float32 `[n, features]`, the discriminants' weights times their share; None: no label has examples.
        offsets: float32 `[n]`, the discriminants' offsets times their share.

    """

    names: LabelNames
    texts: Float32Array
    contrasts: npt.NDArray[np.intp]
    text_share: Float32Array
    directions: Float32Array | None
    offsets: Float32Array

    def score(
        self, embeddings: Float32Array, features: Float32Array, head: ScoreHead
    ) -> tuple[Sequence[LabelScore], ...]:
        """Returns the scores of each of n images, in the labels' order; as `LabelScores` unless they are few.

        Args:
            embeddings: L2-normalised `[n, dimension]`.
            features: L2-normalised `[n, features]`; see `Encoder`.
            head: the model's.

        """
        cosines = cosines_by_query(self.texts, embeddings)
        count = len(self.names.texts)
        similarities = cosines[:, :count]
        logits = (similarities - cosines.take(self.contrasts, axis=1)) * (
            self.text_share * np.float32(head.logit_scale)
        )
        if self.directions is not None:
            logits += products(self.directions, features) + self.offsets
        probabilities, presences = head.probabilities(similarities), _sigmoid(logits)
        if similarities.size <= FEW_SCORES:
            rows = zip(probabilities.tolist(), similarities.tolist(), presences.tolist(), strict=True)
            return tuple(tuple(map(LabelScore, self.names.texts, *row)) for row in rows)
        values = np.empty((len(cosines), count, len(COLUMNS)), np.float32)
        values[..., 0], values[..., 1], values[..., 2] = probabilities, similarities, presences
        rankings = rank(probabilities)
        return tuple(LabelScores(self.names, values[i], None, rankings[i]) for i in range(len(values)))


def _sigmoid(logits: Float32Array) -> Float32Array:
    return np.asarray(0.5 * np.tanh(0.5 * logits) + 0.5, np.float32)  # never overflows


def text_groups(label_set: LabelSet) -> tuple[tuple[str, ...], ...]:
    """Returns the texts of each row of `LabelVectors.texts`: of the labels, then of the distinct contrasts."""
    return label_set.prompts() + _distinct_contrasts(label_set)


def label_vectors(label_set: LabelSet, texts: Float32Array, discriminants: Mapping[str, Discriminant]) -> LabelVectors:
    """Makes the vectors that a label set's scores are computed with.

    Args:
        label_set: the labels.
        texts: L2-normalised embeddings of `text_groups(label_set)`, `[groups, dimension]`.
        discriminants: by label name, of those that have examples.

    """
    rows = {contrast: len(label_set.labels) + i for i, contrast in enumerate(_distinct_contrasts(label_set))}
    has_text = np.array([bool(label.presence_contrast) for label in label_set.labels])
    has_examples = np.array([label.name in discriminants for label in label_set.labels])
    sources = np.maximum(has_text.astype(np.float32) + has_examples, 1)
    found = [discriminants.get(label.name) for label in label_set.labels]
    size = next((len(one.weights) for one in found if one is not None), 0)
    directions = np.array([np.zeros(size) if one is None else one.weights for one in found], np.float32)
    offsets = np.array([0.0 if one is None else one.offset for one in found], np.float32)
    return LabelVectors(
        names=LabelNames(label_set.names),
        texts=texts,
        contrasts=np.array([rows.get(label.presence_contrast, 0) for label in label_set.labels]),
        text_share=(has_text / sources).astype(np.float32),
        directions=directions / sources[:, None] if discriminants else None,
        offsets=offsets / sources,
    )


def _distinct_contrasts(label_set: LabelSet) -> tuple[tuple[str, ...], ...]:
    contrasts = (label.presence_contrast for label in label_set.labels)
    return tuple(dict.fromkeys(contrast for contrast in contrasts if contrast))
