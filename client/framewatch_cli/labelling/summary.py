"""What a labelling run came to, counted from its pictures; as much as a plot and a report need, and no more."""

from __future__ import annotations

import heapq
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import numpy as np
import numpy.typing as npt

from framewatch_cli.labelling.decisions import Decision, Picture, Pile, Sorting, Split
from framewatch_core.calibration.thresholds import place_of, to_axis
from framewatch_core.labels.scoring import ScoreKind

BIN_COUNT = 48
LOWEST_SCORE = 0.01
"""Where histograms begin; what is less is counted there."""
SHOWN_FAILURES = 5


def axis_edges(kind: ScoreKind) -> npt.NDArray[np.float64]:
    """The edges of the histograms' bins on the axis of equal evidence, `[BIN_COUNT + 1]`."""
    return np.linspace(place_of(kind, LOWEST_SCORE), float(to_axis(kind, np.array([1.0]))[0]), BIN_COUNT + 1)


@dataclass(slots=True)
class LabelCount:
    """One label's pictures.

    Attributes:
        by_split: those that are labelled, by what they are for.
        uncertain: those for which it is the best label.
        score_sum: of those that are labelled.
        histogram: how often it was best by which score, uncertain ones too; see `axis_edges`.

    """

    by_split: dict[Split, int] = field(default_factory=lambda: dict.fromkeys(Split, 0))
    uncertain: int = 0
    score_sum: float = 0.0
    histogram: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros(BIN_COUNT, dtype=np.int64))

    @property
    def labelled(self) -> int:
        """How many are labelled."""
        return sum(self.by_split.values())

    @property
    def mean_score(self) -> float | None:
        """Of those that are labelled; None: there are none."""
        return self.score_sum / self.labelled if self.labelled else None


class LabelSummary:
    """Counts pictures.

    Attributes:
        labels: by name, in their order.
        piles: how many pictures are in each.
        failures: the first few that failed, with their errors.

    """

    def __init__(self, labels: tuple[str, ...], sorting: Sorting, doubtful_count: int = 0) -> None:
        """`doubtful_count`: how many of the most uncertain pictures are kept."""
        self.sorting = sorting
        self.labels = {label: LabelCount() for label in labels}
        self.piles = dict.fromkeys(Pile, 0)
        self.failures: list[Picture] = []
        self.model = ""
        self._edges = axis_edges(sorting.score)
        self._doubtful_count = doubtful_count
        self._doubtful: list[tuple[float, int, Picture, Decision]] = []
        self._numbers = count()

    def add(self, picture: Picture, decision: Decision) -> None:
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

    def _keep_doubtful(self, picture: Picture, decision: Decision) -> None:
        """A heap, whose first is the least doubtful."""
        if not self._doubtful_count:
            return
        entry = (-_certainty(decision), -next(self._numbers), picture, decision)
        if len(self._doubtful) < self._doubtful_count:
            heapq.heappush(self._doubtful, entry)
        else:
            heapq.heappushpop(self._doubtful, entry)

    @property
    def doubtful(self) -> list[tuple[Picture, Decision]]:
        """The most uncertain pictures, the one with the smallest margin first."""
        return [(picture, decision) for _, _, picture, decision in sorted(self._doubtful, reverse=True)]

    @property
    def missing_classes(self) -> list[str]:
        """Labels that training has pictures of and validation has not, or the other way round."""
        if not self.sorting.validation_share:
            return []
        return [name for name, label in self.labels.items() if 0 in label.by_split.values() and label.labelled]

    @property
    def has_failed(self) -> bool:
        """Whether any picture failed."""
        return self.piles[Pile.FAILED] > 0

    def as_data(self) -> Mapping[str, Any]:
        """The figures as plain data."""
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
