"""A model that computes nothing, to measure the cost of everything around the model."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from framewatch_core.arrays import Float32Array
from framewatch_core.labels.scoring import ScoreHead
from framewatch_server.vision.pixels.preprocess import PreprocessSpec
from framewatch_server.vision.towers.encoder import BlockingImageTower, Encoder, ModelInfo

NULL = "null"
_SIDE = 224
_DIMENSION = 512
_FEATURE_DIMENSION = 768

NULL_PREPROCESS = PreprocessSpec(_SIDE, (_SIDE, _SIDE), resample=3, mean=(0.0,) * 3, std=(1.0,) * 3)
"""Inputs of CLIP's usual size."""


class NullImageTower(BlockingImageTower):
    """Returns the same vector for every picture."""

    image_size = (_SIDE, _SIDE)

    def encode(self, pixels: npt.NDArray[np.uint8]) -> Float32Array:
        """Returns the same embedding and features for every picture, `[n, 512 + 768]`."""
        return np.concatenate([_same(len(pixels), _DIMENSION), _same(len(pixels), _FEATURE_DIMENSION)], axis=1)


class NullTextTower:
    """Returns the same vector for every text."""

    def encode(self, texts: Sequence[str]) -> Float32Array:
        """Returns the same unit vector for every text, `[n, 512]`."""
        return _same(len(texts), _DIMENSION)

    def cut_off(self, texts: Sequence[str]) -> frozenset[str]:  # noqa: ARG002 part of the Protocol
        """Returns an empty set: no text is too long."""
        return frozenset()


def null_encoder(name: str = NULL) -> Encoder:
    """Returns the model that computes nothing, under the name that requests use for it."""
    return Encoder(
        info=ModelInfo(name, NULL, (_SIDE, _SIDE), _DIMENSION, _FEATURE_DIMENSION, "none", "float32"),
        preprocess=NULL_PREPROCESS,
        head=ScoreHead(logit_scale=100.0),
        images=NullImageTower(),
        texts=NullTextTower(),
    )


def _same(count: int, size: int) -> Float32Array:
    return np.full((count, size), size**-0.5, np.float32)
