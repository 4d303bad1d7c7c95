from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from framewatch.v1 import framewatch_pb2 as pb
from framewatch_core.calls import Classification, Embeddings, Similarity, SimilarityMatrix
from framewatch_core.stream.results import Timings
from framewatch_wire.calls import (
    classification_from_proto,
    classification_to_proto,
    embeddings_from_proto,
    embeddings_to_proto,
    similarity_from_proto,
    similarity_matrix_from_proto,
    similarity_to_proto,
)
from tests.unit.framewatch_wire.sent import sent
from tests.unit.framewatch_wire.values import COSINES, SCORES, TEXTS, TIMINGS, WARNINGS


@given(st.builds(Classification, SCORES, TEXTS, TIMINGS, WARNINGS, TEXTS))
def test_classifications_arrive_as_they_were(value: Classification) -> None:
    assert classification_from_proto(sent(classification_to_proto(value))) == value


@given(st.builds(Similarity, st.lists(COSINES, max_size=5).map(tuple), TEXTS, TIMINGS))
def test_similarities_arrive_as_they_were(value: Similarity) -> None:
    assert similarity_from_proto(sent(similarity_to_proto(value))) == value


@given(st.integers(0, 4), st.integers(0, 4), TIMINGS)
def test_matrices_arrive_as_they_were(rows: int, columns: int, timings: Timings) -> None:
    matrix = np.arange(rows * columns, dtype=np.float32).reshape(rows, columns) / 16
    message = sent(similarity_to_proto(SimilarityMatrix(matrix, "m", timings)))
    arrived = similarity_matrix_from_proto(message, rows, columns)
    assert arrived.similarities.dtype == np.float32
    assert np.array_equal(arrived.similarities, matrix)
    assert (arrived.model, arrived.timings) == ("m", timings)
    with pytest.raises(ValueError, match="cosines of"):
        similarity_matrix_from_proto(message, rows + 1, columns + 1)


@given(st.integers(0, 3), st.integers(0, 3), st.integers(1, 4), TIMINGS, WARNINGS)
def test_embeddings_arrive_as_they_were(
    image_count: int, text_count: int, dimension: int, timings: Timings, warnings: tuple[object, ...]
) -> None:
    rng = np.random.default_rng(image_count + text_count)
    images, texts = (rng.random((count, dimension), dtype=np.float32) for count in (image_count, text_count))
    value = Embeddings(images, texts, "m", "0" * 16, dimension, timings, warnings)  # type: ignore[arg-type]
    arrived = embeddings_from_proto(sent(embeddings_to_proto(value)), image_count=image_count, text_count=text_count)
    for ours, theirs in ((images, arrived.images), (texts, arrived.texts)):
        assert theirs.dtype == np.float32
        assert np.array_equal(ours, theirs)
        assert theirs.flags.writeable
    assert (arrived.model, arrived.weights_digest, arrived.dimension) == ("m", "0" * 16, dimension)
    assert (arrived.timings, arrived.warnings) == (timings, warnings)


def test_vectors_that_do_not_fit_are_refused() -> None:
    message = pb.EmbedResponse(dimension=3, image_vectors=b"\0" * 12)
    with pytest.raises(ValueError, match=r"12 bytes of vectors for 2 images of 3 numbers each, not 24"):
        embeddings_from_proto(message, image_count=2, text_count=0)
