"""A model that computes nothing, to measure what everything around the model costs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from framewatch_core.scoring import Float32Array, ScoreHead
from framewatch_server.vision.encoder import BlockingEncoder, ModelInfo
from framewatch_server.vision.preprocess import PreprocessSpec

NULL = "null"
_SIDE = 224
_DIMENSION = 512


class NullEncoder(BlockingEncoder):
    """Says the same of every picture and every text; takes inputs of CLIP's usual size."""

    info = ModelInfo(NULL, "null", (_SIDE, _SIDE), _DIMENSION, "none", "float32")
    preprocess = PreprocessSpec(_SIDE, (_SIDE, _SIDE), resample=3, mean=(0.0,) * 3, std=(1.0,) * 3)
    head = ScoreHead(logit_scale=100.0)

    def encode_images(self, pixels: npt.NDArray[np.uint8]) -> Float32Array:
        """The same unit vector `[n, 512]` for every picture."""
        return _same(len(pixels))

    def encode_texts(self, texts: Sequence[str]) -> Float32Array:
        """The same unit vector `[n, 512]` for every text."""
        return _same(len(texts))


def _same(count: int) -> Float32Array:
    return np.full((count, _DIMENSION), _DIMENSION**-0.5, np.float32)
