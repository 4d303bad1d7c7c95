"""Counts are checked before elements are converted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from framewatch.v1 import framewatch_pb2 as pb
from framewatch_core.errors import LimitExceeded
from framewatch_wire.config import config_from_proto
from framewatch_wire.labels import label_set_from_proto
from framewatch_wire.requests.calls import embed_from_proto, similarity_from_proto
from framewatch_wire.requests.counts import counts_of

LABELS = pb.LabelSet(labels=[pb.Label(name="a")])
COUNTS = counts_of(max_images_per_call=4)


def convert_call(message: Any) -> object:
    return (embed_from_proto if isinstance(message, pb.EmbedRequest) else similarity_from_proto)(message, COUNTS)


@pytest.mark.parametrize(
    ("convert", "message", "field"),
    [
        pytest.param(label_set_from_proto, pb.LabelSet(labels=[pb.Label()] * 1001), "labels", id="labels"),
        pytest.param(
            label_set_from_proto, pb.LabelSet(labels=[pb.Label(prompts=[""] * 33)]), "labels[0].prompts", id="prompts"
        ),
        pytest.param(
            label_set_from_proto,
            pb.LabelSet(labels=[pb.Label(contrast_prompts=[""] * 33)]),
            "labels[0].contrast_prompts",
            id="contrast prompts",
        ),
        pytest.param(
            label_set_from_proto,
            pb.LabelSet(labels=[pb.Label(examples=[pb.Image()] * 65)]),
            "labels[0].examples",
            id="examples",
        ),
        pytest.param(
            label_set_from_proto,
            pb.LabelSet(labels=[pb.Label(counter_examples=[pb.Image()] * 65)]),
            "labels[0].counter_examples",
            id="counter-examples",
        ),
        pytest.param(
            label_set_from_proto,
            pb.LabelSet(labels=[pb.Label(examples=[pb.Image()] * 60)] * 9),
            "labels",
            id="examples of all labels",
        ),
        pytest.param(
            label_set_from_proto,
            pb.LabelSet(labels=[pb.Label()], templates=pb.PromptTemplates(templates=[""] * 129)),
            "templates.templates",
            id="templates",
        ),
        pytest.param(
            config_from_proto,
            pb.StreamConfig(label_set=LABELS, rules=[pb.EventRule()] * 1001),
            "config.rules",
            id="rules",
        ),
        pytest.param(
            config_from_proto,
            pb.StreamConfig(label_set=LABELS, regions=[pb.Region()] * 65),
            "config.regions",
            id="regions",
        ),
        pytest.param(
            config_from_proto,
            pb.StreamConfig(label_set=LABELS, health=pb.HealthPolicy(ignored=[99] * 65)),
            "config.health.ignored",
            id="ignored",
        ),
        pytest.param(convert_call, pb.EmbedRequest(texts=[""] * 1001), "texts", id="texts"),
        pytest.param(convert_call, pb.EmbedRequest(images=[pb.Image()] * 5), "images", id="images"),
        pytest.param(convert_call, pb.SimilarityRequest(candidates=[pb.Image()] * 5), "candidates", id="candidates"),
        pytest.param(
            convert_call,
            pb.SimilarityRequest(queries=[pb.Image()] * 2, candidates=[pb.Image()] * 3),
            "candidates",
            id="queries and candidates",
        ),
    ],
)
def test_the_first_thing_that_is_checked_is_the_count(
    convert: Callable[[Any], object], message: Any, field: str
) -> None:
    # the elements are not valid either, so their conversion would raise something else
    with pytest.raises(LimitExceeded) as caught:
        convert(message)
    assert caught.value.field == field
