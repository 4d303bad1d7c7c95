"""The seam between framewatch and a model: whole batches in, vectors out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from framewatch_core.scoring import Float32Array, ScoreHead
from framewatch_server.vision.preprocess import PreprocessSpec


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """What is loaded.

    Attributes:
        name: how requests name it.
        family: transformers' model type, such as `clip`.
        image_size: height and width of the input, in pixels.
        dimension: of the embeddings.
        device: such as `cpu` or `cuda:0`.
        dtype: of the computation, such as `bfloat16`.
        engine: the library that runs the image tower.
        is_demo: whether it is the embedded demo model, which knows only a few rendered scenes.

    """

    name: str
    family: str
    image_size: tuple[int, int]
    dimension: int
    device: str
    dtype: str
    engine: str = "torch"
    is_demo: bool = False


class DeviceOutOfMemory(Exception):
    """A batch did not fit into the device's memory; a smaller one may."""


class Encoder(Protocol):
    """A dual encoder. Called from one thread at a time."""

    @property
    def info(self) -> ModelInfo:
        """What is loaded."""
        ...

    @property
    def preprocess(self) -> PreprocessSpec:
        """How pictures become inputs."""
        ...

    @property
    def head(self) -> ScoreHead:
        """How cosines become probabilities."""
        ...

    def encode_images(self, pixels: npt.NDArray[np.uint8]) -> Float32Array:
        """L2-normalised embeddings `[n, dimension]` of RGB inputs `[n, 3, height, width]`. Raises DeviceOutOfMemory."""
        ...

    def encode_texts(self, texts: Sequence[str]) -> Float32Array:
        """L2-normalised embeddings `[n, dimension]`; texts longer than the model's context are cut off."""
        ...
