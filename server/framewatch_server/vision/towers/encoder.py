"""Encoders: the image tower and the text tower of one model. Whole batches in, vectors out."""

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
    """Description of a loaded model.

    Attributes:
        name: the name that requests use for it.
        family: transformers' model type, such as `clip`, or `open_clip`.
        image_size: height and width of the input, in pixels.
        dimension: of the embeddings.
        feature_dimension: of the features, which examples are compared in.
        device: such as `cpu` or `cuda:0`.
        dtype: of the image tower's computation, such as `bfloat16`.
        engine: the library that runs the image tower.
        is_demo: True for the embedded demo model, which knows only a few rendered scenes.
        max_text_tokens: the number of tokens of a text that the model reads, including those for beginning and end.
        revision: the commit on the hub that it was loaded from; empty for a folder.
        weights_digest: identifies the weights, whatever dtype they are loaded in; 16 hexadecimal digits.
        memory_bytes: the memory that was reserved for it before it was loaded.

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
        """Length of the vector that the image tower returns for one input."""
        return self.dimension + self.feature_dimension


class DeviceOutOfMemory(Exception):
    """A batch did not fit into the device's memory; a smaller one may."""


class ImageTower(Protocol):
    """The half of a model that embeds images. Called from one thread at a time.

    For each input it returns a vector `[vector_size]`: the L2-normalised embedding `[dimension]`, which is compared
    with texts, followed by the L2-normalised features `[feature_dimension]` of the last layer, which hold more of a
    picture than the projected embedding and are compared with those of example images.
    """

    @property
    def default_batch_size(self) -> int:
        """Number of inputs that makes good use of the device; larger batches would only add delay."""
        ...

    @property
    def in_flight(self) -> int:
        """Number of batches that may be started and not yet collected."""
        ...

    def warm(self, max_batch_size: int) -> None:
        """Prepares for batches of up to that size; called on the device thread before the first batch.

        Raises DeviceOutOfMemory.
        """
        ...

    def encode(self, pixels: npt.NDArray[np.uint8]) -> Float32Array:
        """Returns vectors `[n, vector_size]` of RGB inputs `[n, 3, height, width]`. Raises DeviceOutOfMemory."""
        ...

    def start(self, pixels: npt.NDArray[np.uint8]) -> Callable[[], Float32Array]:
        """Starts a batch of the kind that `encode` takes and returns a function that waits for its vectors.

        The pixels may be overwritten as soon as this returns. Batches may be collected in any order, at most
        `in_flight` are under way at once, and both steps may raise DeviceOutOfMemory.
        """
        ...


class TextTower(Protocol):
    """The half of a model that embeds texts. Called from one thread at a time."""

    def encode(self, texts: Sequence[str]) -> Float32Array:
        """Returns L2-normalised embeddings `[n, dimension]`; texts longer than the model's context are cut off.

        Raises DeviceOutOfMemory.
        """
        ...

    def cut_off(self, texts: Sequence[str]) -> frozenset[str]:
        """Returns the texts that are longer than the model's context."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Encoder:
    """A model that is ready to use. Its towers are called from one thread at a time.

    Attributes:
        info: description of the model.
        preprocess: makes the image tower's inputs from pictures.
        head: turns cosines into probabilities.
        images: the image tower.
        texts: the text tower.
        refusal: the reason why the model isn't in int8 although that was asked for; else empty.

    """

    info: ModelInfo
    preprocess: PreprocessSpec
    head: ScoreHead
    images: ImageTower
    texts: TextTower
    refusal: str = ""


class BlockingImageTower:
    """Base of image towers whose `encode` returns when all work is done.

    Attributes:
        image_size: height and width of the input, in pixels.

    """

    image_size: tuple[int, int]
    default_batch_size: int = 16
    in_flight: int = 1

    def encode(self, pixels: npt.NDArray[np.uint8]) -> Float32Array:
        """See `ImageTower.encode`."""
        raise NotImplementedError

    def start(self, pixels: npt.NDArray[np.uint8]) -> Callable[[], Float32Array]:
        """Does the work; the function that it returns returns the vectors."""
        vectors = self.encode(pixels)
        return lambda: vectors

    def warm(self, max_batch_size: int) -> None:
        """Runs the smallest and the largest batch, so that the first caller doesn't pay for it."""
        for size in (1, max_batch_size):
            self.encode(np.zeros((size, 3, *self.image_size), np.uint8))
