"""Fields are counted before a message is parsed."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from typing import Any

import pytest
from google.protobuf.descriptor import Descriptor
from google.protobuf.message import DecodeError
from hypothesis import given
from hypothesis import strategies as st

from framewatch.v1 import framewatch_pb2 as pb
from framewatch_core.errors import LimitExceeded, MalformedMessage
from framewatch_wire.requests.counts import counts_of, repeated_fields
from framewatch_wire.requests.scan import MAX_FIELDS, scan

COUNTS = counts_of(max_images_per_call=1024)
REQUESTS = (pb.ClassifyRequest, pb.SimilarityRequest, pb.EmbedRequest, pb.ListModelsRequest, pb.StreamFramesRequest)


def messages_below(descriptor: Any) -> Iterator[Any]:
    yield descriptor
    for field in descriptor.fields:
        if field.message_type is not None:
            yield from messages_below(field.message_type)


def test_every_repeated_field_of_every_request_has_a_limit() -> None:
    names = {
        name for request in REQUESTS for each in messages_below(request.DESCRIPTOR) for _, name in repeated_fields(each)
    }
    assert names == set(COUNTS)


def stream(config: pb.StreamConfig) -> pb.StreamFramesRequest:
    return pb.StreamFramesRequest(config=config)


LABEL = pb.Label(name="a")


@pytest.mark.parametrize(
    ("message", "field", "limit"),
    [
        pytest.param(
            pb.ClassifyRequest(label_set=pb.LabelSet(labels=[LABEL] * 1001)),
            "label_set.labels",
            "max_labels",
            id="labels",
        ),
        pytest.param(
            stream(pb.StreamConfig(label_set=pb.LabelSet(labels=[LABEL] * 1001))),
            "config.label_set.labels",
            "max_labels",
            id="labels of a stream",
        ),
        pytest.param(
            pb.ClassifyRequest(label_set=pb.LabelSet(labels=[LABEL, pb.Label(prompts=["x"] * 33)])),
            "label_set.labels[1].prompts",
            "max_prompts",
            id="prompts",
        ),
        pytest.param(
            pb.ClassifyRequest(label_set=pb.LabelSet(labels=[pb.Label(contrast_prompts=["x"] * 33)])),
            "label_set.labels[0].contrast_prompts",
            "max_contrast_prompts",
            id="contrast prompts",
        ),
        pytest.param(
            pb.ClassifyRequest(label_set=pb.LabelSet(labels=[pb.Label(examples=[pb.Image()] * 65)])),
            "label_set.labels[0].examples",
            "max_examples_per_label",
            id="examples",
        ),
        pytest.param(
            pb.ClassifyRequest(label_set=pb.LabelSet(templates=pb.PromptTemplates(templates=["{label}"] * 129))),
            "label_set.templates.templates",
            "max_templates",
            id="templates",
        ),
        pytest.param(stream(pb.StreamConfig(rules=[pb.EventRule()] * 1001)), "config.rules", "max_rules", id="rules"),
        pytest.param(
            stream(pb.StreamConfig(regions=[pb.Region()] * 65)), "config.regions", "max_regions", id="regions"
        ),
        pytest.param(
            stream(pb.StreamConfig(health=pb.HealthPolicy(ignored=[2] * 65))),
            "config.health.ignored",
            "max_ignored",
            id="ignored, packed",
        ),
        pytest.param(pb.EmbedRequest(texts=["x"] * 1001), "texts", "max_texts", id="texts"),
        pytest.param(pb.EmbedRequest(images=[pb.Image()] * 1025), "images", "max_images_per_call", id="images"),
        pytest.param(
            pb.SimilarityRequest(candidates=[pb.Image()] * 1025), "candidates", "max_images_per_call", id="candidates"
        ),
        pytest.param(pb.SimilarityRequest(queries=[pb.Image()] * 1025), "queries", "max_images_per_call", id="queries"),
    ],
)
def test_too_many_elements_are_found_without_parsing(message: Any, field: str, limit: str) -> None:
    with pytest.raises(LimitExceeded) as caught:
        scan(message.SerializeToString(), message.DESCRIPTOR, COUNTS)
    assert (caught.value.field, caught.value.metadata["limit"]) == (field, limit)


IGNORED = pb.HealthPolicy.DESCRIPTOR


def test_unpacked_elements_of_a_packed_field_count_too() -> None:
    with pytest.raises(LimitExceeded):
        scan(b"\x10\x02" * 65, IGNORED, COUNTS)
    scan(b"\x10\x02" * 64, IGNORED, COUNTS)


@pytest.mark.parametrize(
    "field",
    [b"\x98\x3e\x00", b"\x0a\x00", b"\x9b\x3e\x9c\x3e"],
    ids=["unknown", "known", "groups"],
)
def test_fields_of_any_kind_are_bounded(field: bytes) -> None:
    with pytest.raises(LimitExceeded, match="max_fields"):
        scan(field * (MAX_FIELDS + 1), pb.ClassifyRequest.DESCRIPTOR, COUNTS)


@pytest.mark.parametrize(
    "data",
    [b"\x0a", b"\x0a\x05abc", b"\x1a\x02\x0a\x05", b"\xff" * 11, b"\x0f\x00", b"\x09\x00"],
    ids=["no length", "cut off", "cut off inside", "a key of eleven bytes", "no wire type", "half a number"],
)
def test_garbage_is_malformed(data: bytes) -> None:
    with pytest.raises(MalformedMessage):
        scan(data, pb.ClassifyRequest.DESCRIPTOR, COUNTS)
    with pytest.raises(DecodeError):
        pb.ClassifyRequest.FromString(data)


def test_groups_are_skipped_whatever_is_in_them() -> None:
    scan(b"\x9b\x3e" + b"\x1a\x01\x0a" + b"\x9c\x3e", pb.ClassifyRequest.DESCRIPTOR, COUNTS)


@given(st.binary(max_size=200), st.sampled_from(REQUESTS))
def test_whatever_can_be_parsed_passes_the_scan(data: bytes, request_: Any) -> None:
    try:
        request_.FromString(data)
    except DecodeError:
        return
    scan(data, request_.DESCRIPTOR, COUNTS)


def test_the_scan_takes_no_memory() -> None:
    data = pb.StreamConfig(label_set=pb.LabelSet(labels=[pb.Label()] * 1_000_000)).SerializeToString()
    descriptor: Descriptor = pb.StreamConfig.DESCRIPTOR  # type: ignore[assignment]
    tracemalloc.start()
    with pytest.raises(LimitExceeded):
        scan(data, descriptor, COUNTS)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1_000_000
