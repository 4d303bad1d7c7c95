"""Results as lines of JSON: protobuf's JSON mapping with the .proto's field names, and with zeros written out."""

from __future__ import annotations

from collections.abc import Sequence

from google.protobuf.json_format import MessageToJson
from google.protobuf.message import Message

from framewatch_core.calls import Classification, Similarity, SimilarityMatrix
from framewatch_core.models import Model
from framewatch_core.stream.messages import StreamResponse
from framewatch_wire.calls import classification_to_proto, similarity_to_proto
from framewatch_wire.models import models_to_proto
from framewatch_wire.responses import response_to_proto


def response_json(value: StreamResponse) -> str:
    """Returns what a server sends on a stream as one line of JSON."""
    return _line(response_to_proto(value))


def classification_json(value: Classification) -> str:
    """Returns the scores of an image as one line of JSON."""
    return _line(classification_to_proto(value))


def similarity_json(value: Similarity | SimilarityMatrix) -> str:
    """Returns similarities as one line of JSON."""
    return _line(similarity_to_proto(value))


def models_json(models: Sequence[Model]) -> str:
    """Returns loaded models as one line of JSON."""
    return _line(models_to_proto(models))


def _line(message: Message) -> str:
    return MessageToJson(
        message,
        preserving_proto_field_name=True,
        always_print_fields_with_no_presence=True,
        ensure_ascii=False,
        indent=None,
    )
