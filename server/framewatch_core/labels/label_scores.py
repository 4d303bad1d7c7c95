"""Scores of one region as arrays: about 14 bytes each, where objects take some hundred."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol, cast, overload

import numpy as np
import numpy.typing as npt

from framewatch_core.arrays import Float32Array
from framewatch_core.labels.scoring import LabelScore, ScoreKind

UInt16Array = npt.NDArray[np.uint16]

COLUMNS = (ScoreKind.PROBABILITY, ScoreKind.SIMILARITY, ScoreKind.PRESENCE)
"""Kinds of score in the columns of `LabelScores.values`; the last one may be missing."""

_COLUMN_OF = {kind: column for column, kind in enumerate(COLUMNS)}
_PRESENCE_COLUMN = _COLUMN_OF[ScoreKind.PRESENCE]
_SHOWN = 5

BYTES_PER_SCORE = 14
"""Bytes of a score in arrays: three numbers, and its position in the ranking or its label's."""

FEW_SCORES = 32
"""Scores of a frame up to which objects are as small as arrays, and quicker to make, rank and write."""

OBJECT_BYTES = 500
"""Bytes of `LabelScores` without any score, rounded up."""


class LabelNames:
    """Names of the labels of a set, which all scores of the set share.

    Attributes:
        texts: the names, in the labels' order.
        index: the position of each in it.

    """

    __slots__ = ("__weakref__", "index", "texts")

    def __init__(self, texts: Sequence[str]) -> None:
        """`texts`: at most 65,536 names, which are unique."""
        self.texts = tuple(texts)
        self.index = {name: i for i, name in enumerate(self.texts)}


class LabelScores(Sequence[LabelScore]):
    """Scores of the labels of one region; a sequence that equals a tuple of the same scores.

    Attributes:
        names: names of the set's labels.
        values: float32 `[n, 3]`: probability, similarity and presence of each; `[n, 2]`: presence was not computed.
        labels: `[n]`, the position of each one's label in `names`; None: n labels in the set's order.
        ranking: `[n]`, positions in `values` from the most probable label down, ties in their order; None: unknown.

    """

    __slots__ = ("labels", "names", "ranking", "values")

    def __init__(
        self,
        names: LabelNames,
        values: Float32Array,
        labels: UInt16Array | None = None,
        ranking: UInt16Array | None = None,
    ) -> None:
        self.names = names
        self.values = values
        self.labels = labels
        self.ranking = ranking

    def __len__(self) -> int:
        return len(self.values)

    @overload
    def __getitem__(self, index: int) -> LabelScore: ...

    @overload
    def __getitem__(self, index: slice) -> LabelScores: ...

    def __getitem__(self, index: int | slice) -> LabelScore | LabelScores:
        if isinstance(index, slice):
            labels = np.arange(len(self), dtype=np.uint16) if self.labels is None else self.labels
            return LabelScores(self.names, self.values[index], labels[index])
        row: list[float] = self.values[index].tolist()
        return LabelScore(self._label(index), *row)

    def __iter__(self) -> Iterator[LabelScore]:
        names = self.names.texts
        labels = names if self.labels is None else [names[i] for i in self.labels.tolist()]
        for label, row in zip(labels, self.values.tolist(), strict=True):
            yield LabelScore(label, *row)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sequence):
            return NotImplemented
        return len(self) == len(other) and all(mine == its for mine, its in zip(self, other, strict=True))

    def __hash__(self) -> int:
        return hash(tuple(self))

    def __repr__(self) -> str:
        more = f", … {len(self) - _SHOWN} more" if len(self) > _SHOWN else ""
        return f"LabelScores({', '.join(map(repr, self[:_SHOWN]))}{more})"

    @property
    def byte_count(self) -> int:
        """Bytes that they take, without the names."""
        return OBJECT_BYTES + BYTES_PER_SCORE * len(self.values)

    def value(self, label: str, kind: ScoreKind) -> float:
        """Returns a label's score of that kind; only if they are in the set's order, as of the next one.

        Raises:
            InvalidRule: it is a presence that was not computed.

        """
        row, column = self.names.index[label], _COLUMN_OF[kind]
        if column == _PRESENCE_COLUMN and self.values.shape[1] <= column:
            return self[row].value(kind)
        found: float = self.values.item(row, column)
        return found

    def best_except(self, label: str) -> LabelScore | None:
        """Returns the most probable label's score but for that label, the first of equals; None: there is no other."""
        own = self.names.index[label]
        first = self._ranked(2).tolist()
        return next((self[row] for row in first if row != own), None)

    def best_first(self, top_count: int = 0) -> LabelScores:
        """Returns the scores from the most probable down, ties in their order; `top_count` of them, 0 for all."""
        rows = self._ranked(top_count or len(self))
        return LabelScores(self.names, self.values[rows], rows if self.labels is None else self.labels[rows])

    def _ranked(self, count: int) -> UInt16Array:
        ranking = rank(self.values[:, 0]) if self.ranking is None else self.ranking
        return ranking if count >= len(ranking) else ranking[:count].copy()  # a view would keep all of them

    def _label(self, row: int) -> str:
        return self.names.texts[row if self.labels is None else self.labels[row]]


def rank(probabilities: Float32Array) -> UInt16Array:
    """Returns positions along the last axis from the largest down, ties in their order."""
    return np.argsort(-probabilities, axis=-1, kind="stable").astype(np.uint16)


class ScoresByLabel(Protocol):
    """Scores of one region as rules read them."""

    def value(self, label: str, kind: ScoreKind) -> float:
        """Returns a label's score of that kind. Raises InvalidRule for a presence that was not computed."""
        ...

    def best_except(self, label: str) -> LabelScore | None:
        """Returns the most probable label's score but for that label, the first of equals; None: there is no other."""
        ...


class _ListedScores:
    """Scores that are objects: recorded ones."""

    def __init__(self, scores: Sequence[LabelScore]) -> None:
        self._scores = {score.label: score for score in scores}

    def value(self, label: str, kind: ScoreKind) -> float:
        return self._scores[label].value(kind)

    def best_except(self, label: str) -> LabelScore | None:
        others = (score for score in self._scores.values() if score.label != label)
        return max(others, key=lambda score: score.probability, default=None)


def by_label(scores: Sequence[LabelScore]) -> ScoresByLabel:
    """Returns the scores of all labels of a region as rules read them."""
    return scores if isinstance(scores, LabelScores) else _ListedScores(scores)


def best_first(scores: Sequence[LabelScore], top_count: int = 0) -> tuple[LabelScore, ...]:
    """Returns the scores from the most probable down, ties in their order; `top_count` of them, 0 for all.

    Of `LabelScores` it returns `LabelScores`. They are read as a tuple is, so results are declared with the type that
    clients get.
    """
    if isinstance(scores, LabelScores):
        return cast("tuple[LabelScore, ...]", scores.best_first(top_count))
    ranked = tuple(sorted(scores, key=lambda score: -score.probability))
    return ranked[:top_count] if top_count else ranked
