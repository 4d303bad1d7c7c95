"""Requests of calls."""

from __future__ import annotations

import pytest

from framewatch.v1 import framewatch_pb2 as pb
from framewatch_core.errors import FieldError
from framewatch_core.images.image import EncodedImage
from framewatch_core.labels.labels import LabelSet
from framewatch_wire.requests.calls import (
    ClassifyCall,
    EmbedCall,
    SimilarityCall,
    classify_from_proto,
    embed_from_proto,
    similarity_from_proto,
)

ONE, TWO = pb.Image(encoded=b"1"), pb.Image(encoded=b"2")
LABELS = pb.LabelSet(labels=[pb.Label(name="a")])


def test_requests_arrive_as_they_were() -> None:
    assert classify_from_proto(pb.ClassifyRequest(model="m", image=ONE, label_set=LABELS, top_count=3)) == ClassifyCall(
        "m", LabelSet.of(["a"]), EncodedImage(b"1"), 3
    )
    assert similarity_from_proto(pb.SimilarityRequest(query=ONE, candidates=[TWO])) == SimilarityCall(
        "", {"query": EncodedImage(b"1")}, {"candidates[0]": EncodedImage(b"2")}
    )
    assert similarity_from_proto(pb.SimilarityRequest(queries=[ONE], candidates=[TWO])) == SimilarityCall(
        "", {"queries[0]": EncodedImage(b"1")}, {"candidates[0]": EncodedImage(b"2")}
    )
    assert embed_from_proto(pb.EmbedRequest(images=[ONE], texts=["t"])) == EmbedCall(
        "", {"images[0]": EncodedImage(b"1")}, ("t",)
    )


@pytest.mark.parametrize(
    ("message", "reason", "field"),
    [
        pytest.param(pb.ClassifyRequest(image=ONE), "MISSING_FIELD", "label_set", id="no labels"),
        pytest.param(pb.ClassifyRequest(label_set=LABELS), "EMPTY_IMAGE", "image", id="no image"),
        pytest.param(
            pb.ClassifyRequest(label_set=pb.LabelSet()), "INVALID_LABEL_SET", "label_set.labels", id="an empty set"
        ),
        pytest.param(pb.ClassifyRequest(model="m" * 257), "LIMIT_EXCEEDED", "model", id="a long model"),
        pytest.param(pb.SimilarityRequest(query=ONE), "MISSING_FIELD", "candidates", id="no candidates"),
        pytest.param(pb.SimilarityRequest(candidates=[ONE]), "EMPTY_IMAGE", "query", id="no query"),
        pytest.param(
            pb.SimilarityRequest(query=ONE, queries=[ONE], candidates=[ONE]), "INVALID_FIELD", "queries", id="both"
        ),
        pytest.param(
            pb.SimilarityRequest(model="m" * 257), "LIMIT_EXCEEDED", "model", id="a long model to compare with"
        ),
        pytest.param(pb.EmbedRequest(), "MISSING_FIELD", "images", id="nothing"),
        pytest.param(pb.EmbedRequest(texts=[" "]), "INVALID_FIELD", "texts[0]", id="an empty text"),
        pytest.param(pb.EmbedRequest(model="m" * 257), "LIMIT_EXCEEDED", "model", id="a long model to embed with"),
    ],
)
def test_what_is_wrong_is_reported_with_its_path(
    message: pb.ClassifyRequest | pb.SimilarityRequest | pb.EmbedRequest, reason: str, field: str
) -> None:
    convert = {
        pb.ClassifyRequest: classify_from_proto,
        pb.SimilarityRequest: similarity_from_proto,
        pb.EmbedRequest: embed_from_proto,
    }[type(message)]
    with pytest.raises(FieldError) as caught:
        convert(message)  # type: ignore[operator]
    assert (caught.value.reason, caught.value.field) == (reason, field)
