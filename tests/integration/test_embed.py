"""Embed over real gRPC."""

from __future__ import annotations

import grpc
import numpy as np
import numpy.typing as npt
import pytest

from framewatch.v1 import framewatch_pb2 as pb
from framewatch.v1 import framewatch_pb2_grpc as pb_grpc
from tests.integration.conftest import MakeServer, image, jpeg
from tests.integration.errors import error_details


def rows(data: bytes, dimension: int) -> npt.NDArray[np.float32]:
    return np.frombuffer(data, "<f4").reshape(-1, dimension)


def test_vectors_have_length_one_and_match_the_other_calls(stub: pb_grpc.ZeroShotServiceStub) -> None:
    files = [jpeg(seed) for seed in range(3)]
    texts = ["a photo of a person", "an empty room"]
    answer = stub.Embed(pb.EmbedRequest(images=[image(file) for file in files], texts=texts))
    images, words = (rows(data, answer.dimension) for data in (answer.image_vectors, answer.text_vectors))
    assert (images.shape, words.shape) == ((3, answer.dimension), (2, answer.dimension))
    assert np.linalg.norm(np.concatenate([images, words]), axis=1) == pytest.approx(1, abs=1e-5)

    alike = stub.Similarity(pb.SimilarityRequest(query=image(files[0]), candidates=[image(f) for f in files[1:]]))
    assert images[1:] @ images[0] == pytest.approx(list(alike.similarities), abs=1e-6)
    labels = pb.LabelSet(labels=[pb.Label(name=text) for text in texts], templates=pb.PromptTemplates())
    scores = stub.Classify(pb.ClassifyRequest(image=image(files[1]), label_set=labels)).scores
    similarities = {score.label: score.similarity for score in scores}
    assert words @ images[1] == pytest.approx([similarities[text] for text in texts], abs=1e-6)
    assert (answer.model, len(answer.weights_digest)) == ("demo", 16)


@pytest.mark.parametrize(("images", "texts"), [(2, 0), (0, 2)], ids=["images alone", "texts alone"])
def test_images_or_texts_alone_are_embedded(stub: pb_grpc.ZeroShotServiceStub, images: int, texts: int) -> None:
    answer = stub.Embed(pb.EmbedRequest(images=[image()] * images, texts=["a bottle"] * texts))
    assert len(answer.image_vectors) == images * answer.dimension * 4
    assert len(answer.text_vectors) == texts * answer.dimension * 4


async def test_images_share_batches_with_those_of_other_calls(make_server: MakeServer) -> None:
    stub = await make_server(max_batch_size=16, image_cache_bytes=0)
    answer = await stub.Embed(pb.EmbedRequest(images=[image(jpeg(seed)) for seed in range(24)]))
    assert answer.timings.batch_size > 1


def test_a_text_that_is_too_long_gets_a_warning(stub: pb_grpc.ZeroShotServiceStub) -> None:
    texts = ["a bottle", "a bottle on a table " * 50]
    answer = stub.Embed(pb.EmbedRequest(texts=texts))
    (warning,) = answer.warnings
    assert (warning.reason, warning.field) == ("TEXT_TRUNCATED", "texts[1]")
    assert "was cut off" in warning.message
    assert list(stub.Embed(pb.EmbedRequest(texts=texts)).warnings) == [warning], "also for a cached vector"


@pytest.mark.parametrize(
    ("request_", "code", "reason", "field"),
    [
        pytest.param(pb.EmbedRequest(), "INVALID_ARGUMENT", "MISSING_FIELD", "images", id="no input"),
        pytest.param(pb.EmbedRequest(texts=["a", " "]), "INVALID_ARGUMENT", "INVALID_FIELD", "texts[1]", id="empty text"),
        pytest.param(pb.EmbedRequest(texts=["a" * 2001]), "RESOURCE_EXHAUSTED", "LIMIT_EXCEEDED", "texts[0]", id="too long a text"),
        pytest.param(pb.EmbedRequest(texts=["a"] * 1001), "RESOURCE_EXHAUSTED", "LIMIT_EXCEEDED", "texts", id="too many texts"),
        pytest.param(
            pb.EmbedRequest(images=[image()] * 1025), "RESOURCE_EXHAUSTED", "LIMIT_EXCEEDED", "images", id="too many images"
        ),
        pytest.param(
            pb.EmbedRequest(images=[image(), image(jpeg()[:200])]),
            "INVALID_ARGUMENT", "UNDECODABLE_IMAGE", "images[1].encoded", id="a broken image",
        ),
        pytest.param(pb.EmbedRequest(texts=["a"], model="x"), "NOT_FOUND", "MODEL_NOT_FOUND", "", id="unknown model"),
    ],
)  # fmt: skip
def test_an_invalid_request_is_refused_with_code_reason_and_field(
    stub: pb_grpc.ZeroShotServiceStub, request_: pb.EmbedRequest, code: str, reason: str, field: str
) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        stub.Embed(request_)
    error = error_details(caught.value)
    assert (error.code, error.reason, error.field) == (code, reason, field)
