"""Cost of each dtype in precision: the cosine between a model's embeddings in it and those in float32."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from framewatch_core.arrays import Float32Array
from framewatch_core.errors import ModelLoadError
from framewatch_demo.captions import CONCEPTS
from framewatch_server.vision.checkpoints.load import load_encoder
from framewatch_server.vision.checkpoints.weights import count_weights
from framewatch_server.vision.towers.encoder import Encoder
from framewatch_server.vision.towers.quantisation_images import LEAST_COSINE, rendered_images

REFERENCE = "float32"
DTYPES = ("bfloat16", "float16", "int8")

TEXTS = tuple(concept.caption for concept in CONCEPTS)
"""Texts whose embeddings are compared."""

_BATCH = 8


@dataclass(frozen=True, slots=True)
class Cosines:
    """Cosines between embeddings of the same pictures or texts: their mean and the least of them, in [-1, 1]."""

    mean: float
    least: float


@dataclass(frozen=True, slots=True)
class PrecisionCheck:
    """Cost of one dtype.

    Attributes:
        dtype: of the computation.
        engine: that runs the image tower; empty if the dtype could not be run.
        images: on the rendered pictures that int8 is checked with; None if the dtype could not be run.
        texts: on TEXTS; None likewise.
        size: of the weights, in bytes; 0 likewise.
        fault: the reason why it shouldn't be or isn't used; empty if there is none.

    """

    dtype: str
    engine: str = ""
    images: Cosines | None = None
    texts: Cosines | None = None
    size: int = 0
    fault: str = ""


def check_precision(
    name: str, folder: Path, dtypes: Sequence[str], *, device: str, engine: str, report: Callable[[str], None]
) -> Iterator[PrecisionCheck]:
    """Compares dtypes with float32 in torch on the same device, and yields float32 itself first.

    Args:
        name: see `load_encoder`.
        folder: with its weights.
        dtypes: of DTYPES.
        device: see `load_encoder`.
        engine: see `load_encoder`; of all but the reference.
        report: receives a description of each step before it begins.

    Raises:
        ModelLoadError: the model can't be loaded in float32.

    """
    report("loading in float32")
    counts = count_weights(folder)
    reference = load_encoder(name, device=device, dtype=REFERENCE, engine="torch")
    pictures = rendered_images(reference.preprocess).check()
    exact = _embeddings(reference, pictures)
    images, texts = map(_cosines, exact, exact)
    yield PrecisionCheck(REFERENCE, "torch", images, texts, counts.size(REFERENCE, "torch"))
    for dtype in dtypes:
        report(f"comparing {dtype}")
        try:
            encoder = load_encoder(name, device=device, dtype=dtype, engine=engine)
        except ModelLoadError as error:
            yield PrecisionCheck(dtype, fault=f"can't run here: {error.message}")
            continue
        if encoder.info.dtype != dtype:
            yield PrecisionCheck(dtype, fault=f"refused: {encoder.refusal}")
            continue
        images, texts = map(_cosines, exact, _embeddings(encoder, pictures))
        size = counts.size(dtype, encoder.info.engine)
        yield PrecisionCheck(dtype, encoder.info.engine, images, texts, size, _fault(images, texts))


def _embeddings(encoder: Encoder, pictures: npt.NDArray[np.uint8]) -> tuple[Float32Array, Float32Array]:
    """Returns the embeddings of the pictures and of TEXTS."""
    encoder.images.warm(_BATCH)
    batches = np.split(pictures, range(_BATCH, len(pictures), _BATCH))
    vectors = np.concatenate([encoder.images.encode(batch) for batch in batches])
    return vectors[:, : encoder.info.dimension], encoder.texts.encode(TEXTS)


def _cosines(exact: Float32Array, other: Float32Array) -> Cosines:
    found = np.einsum("ij,ij->i", exact.astype(np.float64), other.astype(np.float64))
    return Cosines(float(found.mean()), float(found.min()))


def _fault(images: Cosines, texts: Cosines) -> str:
    # written so that NaN, which float16 gives where it overflows, is a fault
    return "" if images.mean >= LEAST_COSINE and texts.mean >= LEAST_COSINE else f"below {LEAST_COSINE}"
