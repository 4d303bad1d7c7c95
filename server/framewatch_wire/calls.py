"""Results of unary calls. Those that can't be what was asked for raise ValueError with what came and was expected."""

from __future__ import annotations

import numpy as np

from framewatch.v1 import framewatch_pb2 as pb
from framewatch_core.arrays import Float32Array
from framewatch_core.calls import Classification, Embeddings, Similarity, SimilarityMatrix
from framewatch_wire.labels import label_score_to_proto, label_scores_from_proto
from framewatch_wire.timings import timings_from_proto, timings_to_proto
from framewatch_wire.warnings import warning_to_proto, warnings_from_proto


def classification_to_proto(value: Classification) -> pb.ClassifyResponse:
    """Returns the scores of an image as a response."""
    return pb.ClassifyResponse(
        scores=map(label_score_to_proto, value.scores),
        model=value.model,
        timings=timings_to_proto(value.timings),
        warnings=map(warning_to_proto, value.warnings),
        weights_digest=value.weights_digest,
    )


def classification_from_proto(message: pb.ClassifyResponse) -> Classification:
    """Returns the scores of an image."""
    return Classification(
        label_scores_from_proto(message.scores),
        message.model,
        timings_from_proto(message.timings),
        warnings_from_proto(message.warnings),
        message.weights_digest,
    )


def similarity_to_proto(value: Similarity | SimilarityMatrix) -> pb.SimilarityResponse:
    """Returns similarities as a response: those of the first query, then those of the second, and so on."""
    flat = value.similarities.ravel().tolist() if isinstance(value, SimilarityMatrix) else value.similarities
    return pb.SimilarityResponse(similarities=flat, model=value.model, timings=timings_to_proto(value.timings))


def similarity_from_proto(message: pb.SimilarityResponse) -> Similarity:
    """Returns the similarities of a query's candidates."""
    return Similarity(tuple(message.similarities), message.model, timings_from_proto(message.timings))


def similarity_matrix_from_proto(
    message: pb.SimilarityResponse, query_count: int, candidate_count: int
) -> SimilarityMatrix:
    """Returns the similarities of several queries' candidates. Raises ValueError: there are more or fewer."""
    cosines = np.array(message.similarities, dtype=np.float32)
    if len(cosines) != query_count * candidate_count:
        raise ValueError(f"{len(cosines):,} cosines of {query_count:,} queries and {candidate_count:,} candidates")
    matrix = cosines.reshape(query_count, candidate_count)
    return SimilarityMatrix(matrix, message.model, timings_from_proto(message.timings))


def embeddings_to_proto(value: Embeddings) -> pb.EmbedResponse:
    """Returns vectors as a response."""
    return pb.EmbedResponse(
        model=value.model,
        dimension=value.dimension,
        image_vectors=_vectors_to_bytes(value.images),
        text_vectors=_vectors_to_bytes(value.texts),
        timings=timings_to_proto(value.timings),
        warnings=map(warning_to_proto, value.warnings),
        weights_digest=value.weights_digest,
    )


def embeddings_from_proto(message: pb.EmbedResponse, *, image_count: int, text_count: int) -> Embeddings:
    """Returns vectors.

    Args:
        message: the response.
        image_count: number of images that were sent.
        text_count: number of texts that were sent.

    Raises:
        ValueError: it has not one vector for each.

    """
    return Embeddings(
        _vectors_from_bytes(message.image_vectors, image_count, message.dimension, "images"),
        _vectors_from_bytes(message.text_vectors, text_count, message.dimension, "texts"),
        message.model,
        message.weights_digest,
        message.dimension,
        timings_from_proto(message.timings),
        warnings_from_proto(message.warnings),
    )


def _vectors_to_bytes(vectors: Float32Array) -> bytes:
    return vectors.astype("<f4", order="C", copy=False).tobytes()


def _vectors_from_bytes(data: bytes, count: int, dimension: int, what: str) -> Float32Array:
    expected = 4 * count * dimension
    if len(data) != expected or (count and not dimension):
        raise ValueError(
            f"{len(data):,} bytes of vectors for {count:,} {what} of {dimension:,} numbers each, not {expected:,}"
        )
    return np.frombuffer(data, dtype="<f4").astype(np.float32).reshape(count, dimension)
