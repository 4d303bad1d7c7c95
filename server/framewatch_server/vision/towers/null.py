"""A model that computes nothing, to measure what everything around the model costs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from framewatch_core.arrays import Float32Array
from framewatch_core.labels.scoring import ScoreHead
from framewatch_server.vision.pixels.preprocess import PreprocessSpec
from framewatch_server.vision.towers.encoder import BlockingEncoder, ModelInfo

NULL = "null"
_SIDE = 224
_DIMENSION = 512
_FEATURE_DIMENSION = 768


class NullEncoder(BlockingEncoder):
    """Says the same of every picture and every text; takes inputs of CLIP's usual size."""

    info = ModelInfo(NULL, NULL, (_SIDE, _SIDE), _DIMENSION, _FEATURE_DIMENSION, "none", "float32")
    preprocess = PreprocessSpec(_SIDE, (_SIDE, _SIDE), resample=3, mean=(0.0,) * 3, std=(1.0,) * 3)
    head = ScoreHead(logit_scale=100.0)

    def __init__(self, name: str = NULL) -> None:
        """`name`: how requests say it."""
        self.info = replace(self.info, name=name)

    def encode_images(self, pixels: npt.NDArray[np.uint8]) -> Float32Array:
        """The same embedding and features for every picture."""
        return np.concatenate([_same(len(pixels), _DIMENSION), _same(len(pixels), _FEATURE_DIMENSION)], axis=1)

    def encode_texts(self, texts: Sequence[str]) -> Float32Array:
        """The same unit vector `[n, 512]` for every text."""
        return _same(len(texts), _DIMENSION)


def _same(count: int, size: int) -> Float32Array:
    return np.full((count, size), size**-0.5, np.float32)
