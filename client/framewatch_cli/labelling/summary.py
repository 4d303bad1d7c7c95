"""Figures of a labelling run, counted from its pictures: what the plot, the report and the sheet need."""

from __future__ import annotations

import heapq
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import numpy as np
import numpy.typing as npt

from framewatch_cli.labelling.sorting import Decision, PictureResult, Pile, Sorting, Split
from framewatch_core.calibration.thresholds import place_of, to_axis
from framewatch_core.labels.scoring import ScoreKind

BIN_COUNT = 48
LOWEST_SCORE = 0.01
"""Lower end of histograms; lower scores are counted there."""
SHOWN_FAILURES = 5


def axis_edges(kind: ScoreKind) -> npt.NDArray[np.float64]:
    """Returns the edges of the histograms' bins on the axis of equal evidence, `[BIN_COUNT + 1]`."""
    return np.linspace(place_of(kind, LOWEST_SCORE), float(to_axis(kind, np.array([1.0]))[0]), BIN_COUNT + 1)


@dataclass(slots=True)
class LabelCount:
    """Figures of one label.

    Attributes:
        by_split: number of labelled pictures by their purpose.
        uncertain: number of uncertain pictures whose best label it is.
        score_sum: sum of the labelled pictures' scores.
        histogram: scores of all pictures whose best label it is, uncertain ones too; see `axis_edges`.

    """

    by_split: dict[Split, int] = field(default_factory=lambda: dict.fromkeys(Split, 0))
    uncertain: int = 0
    score_sum: float = 0.0
    histogram: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros(BIN_COUNT, dtype=np.int64))

    @property
    def labelled(self) -> int:
        """Number of labelled pictures."""
        return sum(self.by_split.values())

    @property
    def mean_score(self) -> float | None:
        """Mean score of the labelled pictures; None: there are none."""
        return self.score_sum / self.labelled if self.labelled else None


class LabelSummary:
    """Counts pictures.

    Attributes:
        sorting: the rules by which the pictures are sorted.
        labels: figures by label, in the labels' order.
        piles: number of pictures in each pile.
        failures: the first few pictures that failed.
        model: name of the model that scored the pictures; empty: none was scored.

    """

    def __init__(self, labels: tuple[str, ...], sorting: Sorting, doubtful_count: int = 0) -> None:
        """`doubtful_count`: number of the most uncertain pictures that are kept."""
        self.sorting = sorting
        self.labels = {label: LabelCount() for label in labels}
        self.piles = dict.fromkeys(Pile, 0)
        self.failures: list[PictureResult] = []
        self.model = ""
        self._edges = axis_edges(sorting.score)
        self._doubtful_count = doubtful_count
        self._doubtful: list[tuple[float, int, PictureResult, Decision]] = []
        self._numbers = count()

    def add(self, picture: PictureResult, decision: Decision) -> None:
        """Counts a picture."""
        self.piles[decision.pile] += 1
        self.model = picture.model or self.model
        if picture.error and len(self.failures) < SHOWN_FAILURES:
            self.failures.append(picture)
        if decision.score is None:
            return
        label = self.labels[decision.label]
        label.histogram[self._bin(decision.score)] += 1
        if decision.split is not None:
            label.by_split[decision.split] += 1
            label.score_sum += decision.score
        else:
            label.uncertain += 1
            self._keep_doubtful(picture, decision)

    def _bin(self, score: float) -> int:
        place = place_of(self.sorting.score, max(score, LOWEST_SCORE))
        return int(np.clip(np.searchsorted(self._edges, place, side="right") - 1, 0, BIN_COUNT - 1))

    def _keep_doubtful(self, picture: PictureResult, decision: Decision) -> None:
        """Adds a picture to the heap of the most uncertain ones, whose first is the least uncertain."""
        if not self._doubtful_count:
            return
        entry = (-_certainty(decision), -next(self._numbers), picture, decision)
        if len(self._doubtful) < self._doubtful_count:
            heapq.heappush(self._doubtful, entry)
        else:
            heapq.heappushpop(self._doubtful, entry)

    @property
    def doubtful(self) -> list[tuple[PictureResult, Decision]]:
        """The most uncertain pictures, the one with the smallest margin first."""
        return [(picture, decision) for _, _, picture, decision in sorted(self._doubtful, reverse=True)]

    @property
    def missing_classes(self) -> list[str]:
        """Labels with pictures either for training or for validation, but not for both."""
        if not self.sorting.validation_share:
            return []
        return [name for name, label in self.labels.items() if 0 in label.by_split.values() and label.labelled]

    @property
    def has_failed(self) -> bool:
        """True if a picture failed."""
        return self.piles[Pile.FAILED] > 0

    def as_data(self) -> Mapping[str, Any]:
        """Returns the figures as plain data."""
        return {
            "model": self.model,
            "score": self.sorting.score.name.lower(),
            "min_score": self.sorting.min_score,
            "min_margin": self.sorting.min_margin,
            **{pile.value: count for pile, count in self.piles.items()},
            "labels": [
                {
                    "label": name,
                    **{split.value: number for split, number in label.by_split.items()},
                    "uncertain": label.uncertain,
                    "mean_score": label.mean_score,
                }
                for name, label in self.labels.items()
            ],
            "failures": [{"source": picture.item, "error": picture.error} for picture in self.failures],
        }


def _certainty(decision: Decision) -> float:
    score = decision.score or 0.0
    return score if decision.margin is None else decision.margin
