"""Loaded checkpoints: a model in torch, before its towers are made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from framewatch_core.labels.scoring import ScoreHead
from framewatch_server.vision.pixels.preprocess import PreprocessSpec
from framewatch_server.vision.towers.text_reader import TextReader


@dataclass(frozen=True, slots=True, eq=False)
class TorchModel:
    """The parts of a checkpoint, whatever format it is in.

    Attributes:
        model: with transformers' `get_image_features` and `get_text_features`, on its device.
        reader: makes its tokens.
        preprocess: makes its pixels.
        head: turns its cosines into probabilities.
        dimension: of the embeddings.
        feature_dimension: of the features.
        class_tokens: see `Family`.

    """

    model: Any
    reader: TextReader
    preprocess: PreprocessSpec
    head: ScoreHead
    dimension: int
    feature_dimension: int
    class_tokens: int
