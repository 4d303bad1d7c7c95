"""The seam between framewatch and a model: whole batches in, vectors out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from framewatch_core.arrays import Float32Array
from framewatch_core.labels.scoring import ScoreHead
from framewatch_server.vision.pixels.preprocess import PreprocessSpec


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """What is loaded.

    Attributes:
        name: how requests name it.
        family: transformers' model type, such as `clip`.
        image_size: height and width of the input, in pixels.
        dimension: of the embeddings.
        feature_dimension: of the features that examples are compared in.
        device: such as `cpu` or `cuda:0`.
        dtype: of the computation, such as `bfloat16`.
        engine: the library that runs the image tower.
        is_demo: whether it is the embedded demo model, which knows only a few rendered scenes.
        max_text_tokens: how many tokens of a text it reads, those for beginning and end counted.
        revision: the commit on the hub that it was loaded from; empty for a folder.
        weights_digest: names the weights, 16 hexadecimal digits, whatever dtype they are loaded in.
        memory_bytes: what was set aside for it before it was loaded.

    """

    name: str
    family: str
    image_size: tuple[int, int]
    dimension: int
    feature_dimension: int
    device: str
    dtype: str
    engine: str = "torch"
    is_demo: bool = False
    max_text_tokens: int = 77
    revision: str = ""
    weights_digest: str = ""
    memory_bytes: int = 0

    @property
    def vector_size(self) -> int:
        """Of what an encoder gives for an image."""
        return self.dimension + self.feature_dimension


class DeviceOutOfMemory(Exception):
    """A batch did not fit into the device's memory; a smaller one may."""


class Encoder(Protocol):
    """A dual encoder. Called from one thread at a time.

    What it gives for an image is a vector of `info.vector_size`: its L2-normalised embedding `[dimension]`, which is
    compared with texts, and behind it L2-normalised features `[feature_dimension]` from the last layer, which tell more
    of a picture than the projected embedding and are compared with those of example images.
    """

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

    @property
    def default_batch_size(self) -> int:
        """Pictures at once that make good use of the device; more would only add delay."""
        ...

    @property
    def in_flight(self) -> int:
        """Batches that may be started and not yet collected."""
        ...

    def warm(self, max_batch_size: int) -> None:
        """Prepares for batches of up to that size; called on the device thread before the first batch.

        Raises DeviceOutOfMemory.
        """
        ...

    def encode_images(self, pixels: npt.NDArray[np.uint8]) -> Float32Array:
        """Vectors `[n, vector_size]` of RGB inputs `[n, 3, height, width]`. Raises DeviceOutOfMemory."""
        ...

    def start_images(self, pixels: npt.NDArray[np.uint8]) -> Callable[[], Float32Array]:
        """Starts a batch as `encode_images` takes it and returns a function that waits for its vectors.

        The pixels may be written over as soon as this returns. Batches may be collected in any order, at most
        `in_flight` are under way at once, and both steps may raise DeviceOutOfMemory.
        """
        ...

    def encode_texts(self, texts: Sequence[str]) -> Float32Array:
        """L2-normalised embeddings `[n, dimension]`; texts longer than the model's context are cut off."""
        ...

    def cut_off(self, texts: Sequence[str]) -> frozenset[str]:
        """Those of the texts that are longer than the model's context."""
        ...


class BlockingEncoder:
    """What follows for an encoder whose `encode_images` returns when all work is done."""

    info: ModelInfo
    default_batch_size: int = 16
    in_flight: int = 1

    def encode_images(self, pixels: npt.NDArray[np.uint8]) -> Float32Array:
        """See `Encoder.encode_images`."""
        raise NotImplementedError

    def start_images(self, pixels: npt.NDArray[np.uint8]) -> Callable[[], Float32Array]:
        """Does the work; the function returned gives the result."""
        vectors = self.encode_images(pixels)
        return lambda: vectors

    def cut_off(self, texts: Sequence[str]) -> frozenset[str]:  # noqa: ARG002 part of the Protocol
        """None, for a model that reads every text to its end."""
        return frozenset()

    def warm(self, max_batch_size: int) -> None:
        """Runs the smallest and the largest batch, so that the first caller doesn't pay for it."""
        for size in (1, max_batch_size):
            self.encode_images(np.zeros((size, 3, *self.info.image_size), np.uint8))
