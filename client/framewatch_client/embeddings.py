"""Float32Array of images and texts, as the server computes them."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from framewatch.v1 import framewatch_pb2 as pb
from framewatch_client import _wire as wire
from framewatch_client.answers import ServerWarning, Timings
from framewatch_client.errors import InvalidResponse
from framewatch_core.arrays import Float32Array


@dataclass(frozen=True, slots=True, eq=False)
class Embeddings:
    """Float32Array of length 1, in one space: the dot product of any two is their cosine.

    Attributes:
        images: float32 `[image count, dimension]`, in the order given.
        texts: float32 `[text count, dimension]`, in the order given.
        model: the model that answered.
        weights_digest: names its weights, 16 hexadecimal digits: vectors of others can't be compared with these.
        dimension: how many numbers a vector has.
        timings: where the time of the images went.
        warnings: what may not be as it was meant, such as texts that the model read only in part.
        message: the response as it came.

    """

    images: Float32Array
    texts: Float32Array
    model: str
    weights_digest: str
    dimension: int
    timings: Timings
    warnings: tuple[ServerWarning, ...]
    message: pb.EmbedResponse = field(repr=False)


def embeddings(message: pb.EmbedResponse, *, image_count: int, text_count: int) -> Embeddings:
    """The vectors of a response.

    Args:
        message: the response.
        image_count: how many images it was asked for.
        text_count: how many texts.

    Raises:
        InvalidResponse: it has not one vector for each.

    """
    return Embeddings(
        _vectors(message.image_vectors, image_count, message.dimension, "images"),
        _vectors(message.text_vectors, text_count, message.dimension, "texts"),
        message.model,
        message.weights_digest,
        message.dimension,
        wire.timings(message.timings),
        wire.server_warnings(message.warnings),
        message,
    )


def _vectors(data: bytes, count: int, dimension: int, what: str) -> Float32Array:
    expected = 4 * count * dimension
    if len(data) != expected or (count and not dimension):
        raise InvalidResponse(
            f"{len(data):,} bytes of vectors for {count:,} {what} of {dimension:,} numbers each, not {expected:,}"
        )
    return np.frombuffer(data, dtype="<f4").astype(np.float32).reshape(count, dimension)
