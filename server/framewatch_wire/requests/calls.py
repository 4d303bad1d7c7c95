"""Requests of calls."""

from __future__ import annotations

from dataclasses import dataclass

from framewatch.v1 import framewatch_pb2 as pb
from framewatch_core.errors import InvalidRequest, MissingField
from framewatch_core.images.image import Image
from framewatch_core.labels.labels import MAX_PROMPT_CHARS, LabelSet, check_texts
from framewatch_core.limits import check_name
from framewatch_wire.fields import under
from framewatch_wire.images import image_from_proto, images_from_proto
from framewatch_wire.labels import label_set_from_proto
from framewatch_wire.requests.counts import COUNTS, MAX_TEXTS, Counts, check_counts


@dataclass(frozen=True, slots=True)
class ClassifyCall:
    """Request for the scores of an image; `top_count`: 0 for all labels, `model`: empty for the default."""

    model: str
    label_set: LabelSet
    image: Image
    top_count: int


@dataclass(frozen=True, slots=True)
class SimilarityCall:
    """Request for the similarities of images, by the paths of their fields; at least one query and one candidate."""

    model: str
    queries: dict[str, Image]
    candidates: dict[str, Image]


@dataclass(frozen=True, slots=True)
class EmbedCall:
    """Request for the vectors of images, by the paths of their fields, and of texts; at least one of both."""

    model: str
    images: dict[str, Image]
    texts: tuple[str, ...]


def classify_from_proto(message: pb.ClassifyRequest) -> ClassifyCall:
    """Returns a request for scores. Raises InvalidRequest, LimitExceeded with the field's path."""
    check_name("the model's name", message.model, "model")
    if not message.HasField("label_set"):
        raise MissingField("the request has no label_set: give the labels to look for", "label_set")
    with under("label_set"):
        label_set = label_set_from_proto(message.label_set)
    with under("image"):
        image = image_from_proto(message.image)
    return ClassifyCall(message.model, label_set, image, message.top_count)


def similarity_from_proto(message: pb.SimilarityRequest, counts: Counts = COUNTS) -> SimilarityCall:
    """Returns a request for similarities. Raises InvalidRequest, LimitExceeded with the field's path."""
    check_name("the model's name", message.model, "model")
    check_counts(message, counts)
    if message.queries and message.HasField("query"):
        raise InvalidRequest("the request has both query and queries: leave one of them out", "queries")
    if not message.candidates:
        raise MissingField("the request has no candidates: give at least one image to compare with", "candidates")
    if (limit := counts.get("SimilarityRequest.candidates")) is not None:
        limit.check((len(message.queries) or 1) + len(message.candidates), "candidates")
    if message.queries:
        queries = images_from_proto(message.queries, "queries")
    else:
        with under("query"):
            queries = {"query": image_from_proto(message.query)}
    return SimilarityCall(message.model, queries, images_from_proto(message.candidates, "candidates"))


def embed_from_proto(message: pb.EmbedRequest, counts: Counts = COUNTS) -> EmbedCall:
    """Returns a request for vectors. Raises InvalidRequest, LimitExceeded with the field's path."""
    check_name("the model's name", message.model, "model")
    check_counts(message, counts)
    if not message.images and not message.texts:
        raise MissingField("the request has neither images nor texts: give at least one to embed", "images")
    texts = tuple(message.texts)
    check_texts(texts, "texts", MAX_TEXTS, MAX_PROMPT_CHARS, InvalidRequest)
    return EmbedCall(message.model, images_from_proto(message.images, "images"), texts)
