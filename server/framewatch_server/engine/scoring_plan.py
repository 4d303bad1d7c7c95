"""The plan by which the frames under one config are scored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from framewatch_core.arrays import Float32Array
from framewatch_core.labels.scoring import LabelScore, ScoreKind
from framewatch_core.labels.vectors import LabelVectors
from framewatch_core.labels.warnings import RequestWarning
from framewatch_core.stream.config import StreamConfig
from framewatch_server.engine.scorer import Scorer
from framewatch_server.vision.pixels.view import View


@dataclass(frozen=True, slots=True, eq=False)
class ScoringPlan:
    """Everything that scoring a frame needs beside its image.

    Attributes:
        scorer: the model.
        labels: vectors of the config's labels.
        view: the config's regions, of which the inputs are made.

    """

    scorer: Scorer
    labels: LabelVectors
    view: View

    @classmethod
    async def make(cls, scorer: Scorer, config: StreamConfig) -> tuple[Self, tuple[RequestWarning, ...]]:
        """Makes the plan of a config; returns it with the warnings of `Scorer.label_vectors` and raises its errors."""
        kinds = {rule.score_kind for rule in config.rules}
        by_probability = ScoreKind.PROBABILITY in kinds if kinds else None
        labels, warnings = await scorer.label_vectors(config.label_set, by_probability=by_probability)
        return cls(scorer, labels, View(config.viewed_regions, assessed=config.assessed_regions)), warnings

    def scores(self, vectors: Float32Array) -> dict[str, Sequence[LabelScore]]:
        """Scores a frame's vectors, `[regions, vector_size]`; by region id, in the labels' order."""
        ids = (region.id for region in self.view.regions)
        return dict(zip(ids, self.scorer.scores(self.labels, vectors), strict=True))
