"""Similarity over real gRPC."""

from __future__ import annotations

import grpc
import pytest

from framewatch.v1 import framewatch_pb2 as pb
from framewatch.v1 import framewatch_pb2_grpc as pb_grpc
from tests.integration.conftest import encode, image, jpeg, picture
from tests.integration.errors import error_details


def test_an_image_is_most_similar_to_itself_and_cosines_keep_the_order_of_candidates(
    stub: pb_grpc.ZeroShotServiceStub,
) -> None:
    files = [jpeg(seed) for seed in range(501, 506)]
    response = stub.Similarity(pb.SimilarityRequest(query=image(files[3]), candidates=[image(file) for file in files]))
    similarities = list(response.similarities)
    assert len(similarities) == 5
    assert similarities[3] == pytest.approx(1, abs=1e-3)
    assert max(similarities) == similarities[3]
    assert all(-1 <= value <= 1 for value in similarities)
    assert response.model == "demo"
    assert response.timings.batch_size >= 1


def test_raw_and_encoded_are_the_same_picture(stub: pb_grpc.ZeroShotServiceStub) -> None:
    pixels = picture(7)
    raw = pb.RawImage(data=pixels.tobytes(), width=160, height=120, pixel_format=pb.PIXEL_FORMAT_BGR24)
    request = pb.SimilarityRequest(query=image(encode(pixels, ".png")), candidates=[pb.Image(raw=raw)])
    assert stub.Similarity(request).similarities[0] == pytest.approx(1, abs=1e-4)


def test_every_query_is_compared_with_every_candidate(stub: pb_grpc.ZeroShotServiceStub) -> None:
    files = [image(jpeg(seed)) for seed in range(5)]
    response = stub.Similarity(pb.SimilarityRequest(queries=files[:2], candidates=files[1:]))
    one_by_one = [
        similarity
        for query in files[:2]
        for similarity in stub.Similarity(pb.SimilarityRequest(query=query, candidates=files[1:])).similarities
    ]
    assert list(response.similarities) == pytest.approx(one_by_one, abs=1e-6)
    assert response.similarities[4] == pytest.approx(1, abs=1e-4)  # the second query with the first candidate


def test_a_repeated_image_is_not_computed_again(stub: pb_grpc.ZeroShotServiceStub) -> None:
    request = pb.SimilarityRequest(query=image(jpeg(71)), candidates=[image(jpeg(72)), image(jpeg(71))])
    first, second = stub.Similarity(request), stub.Similarity(request)
    assert list(second.similarities) == list(first.similarities)
    assert first.timings.batch_size >= 1
    assert second.timings == pb.Timings(decode={}, queue={}, inference={})


@pytest.mark.parametrize(
    ("request_", "code", "reason", "field"),
    [
        pytest.param(pb.SimilarityRequest(query=image()), "INVALID_ARGUMENT", "MISSING_FIELD", "candidates", id="no candidates"),
        pytest.param(pb.SimilarityRequest(candidates=[image()]), "INVALID_ARGUMENT", "EMPTY_IMAGE", "query", id="no query"),
        pytest.param(
            pb.SimilarityRequest(query=image(), candidates=[image()] * 1024),
            "RESOURCE_EXHAUSTED", "LIMIT_EXCEEDED", "candidates", id="too many candidates",
        ),
        pytest.param(
            pb.SimilarityRequest(query=image(), candidates=[image(), image(b"junk"), image()]),
            "INVALID_ARGUMENT", "UNSUPPORTED_FORMAT", "candidates[1].encoded", id="a bad candidate among good ones",
        ),
        pytest.param(
            pb.SimilarityRequest(query=image(), queries=[image()], candidates=[image()]),
            "INVALID_ARGUMENT", "INVALID_FIELD", "queries", id="query and queries",
        ),
        pytest.param(
            pb.SimilarityRequest(queries=[image(), image(b"junk")], candidates=[image()]),
            "INVALID_ARGUMENT", "UNSUPPORTED_FORMAT", "queries[1].encoded", id="a bad query",
        ),
        pytest.param(
            pb.SimilarityRequest(queries=[image()] * 1025, candidates=[image()]),
            "RESOURCE_EXHAUSTED", "LIMIT_EXCEEDED", "queries", id="too many queries",
        ),
        pytest.param(
            pb.SimilarityRequest(query=image(), candidates=[image()], model="x"), "NOT_FOUND", "MODEL_NOT_FOUND", "", id="unknown model"
        ),
    ],
)  # fmt: skip
def test_an_invalid_request_is_refused_with_code_reason_and_field(
    stub: pb_grpc.ZeroShotServiceStub, request_: pb.SimilarityRequest, code: str, reason: str, field: str
) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        stub.Similarity(request_)
    error = error_details(caught.value)
    assert (error.code, error.reason, error.field) == (code, reason, field)
