"""Limits on the elements of repeated fields, which are checked before anything is made of the elements."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from google.protobuf.descriptor import Descriptor
from google.protobuf.message import Message

from framewatch_core.images.regions import MAX_REGIONS
from framewatch_core.labels.labels import (
    MAX_EXAMPLES_PER_LABEL,
    MAX_LABELS,
    MAX_PROMPTS_PER_LABEL,
    MAX_TEMPLATES,
)
from framewatch_core.limits import check_limit
from framewatch_core.stream.config import MAX_RULES

MAX_TEXTS = 1000
"""Texts of one Embed call."""
MAX_IGNORED = 64
"""Elements of HealthPolicy.ignored, which may repeat themselves."""


@dataclass(frozen=True, slots=True)
class CountLimit:
    """Limit on the elements of a repeated field.

    Attributes:
        what: the elements' name in errors.
        limit: the limit's name.
        maximum: elements at most.

    """

    what: str
    limit: str
    maximum: int

    def check(self, count: int, field: str) -> None:
        """Raises LimitExceeded if there are more."""
        check_limit(self.what, limit=self.limit, maximum=self.maximum, actual=count, field=field)


Counts = Mapping[str, CountLimit]
"""Limits by field, as `Message.field`."""

COUNTS: Counts = {
    "LabelSet.labels": CountLimit("labels in the set", "max_labels", MAX_LABELS),
    "Label.prompts": CountLimit("prompts", "max_prompts", MAX_PROMPTS_PER_LABEL),
    "Label.contrast_prompts": CountLimit("contrast_prompts", "max_contrast_prompts", MAX_PROMPTS_PER_LABEL),
    "Label.examples": CountLimit("the label's examples", "max_examples_per_label", MAX_EXAMPLES_PER_LABEL),
    "Label.counter_examples": CountLimit(
        "the label's counter_examples", "max_examples_per_label", MAX_EXAMPLES_PER_LABEL
    ),
    "PromptTemplates.templates": CountLimit("templates", "max_templates", MAX_TEMPLATES),
    "StreamConfig.rules": CountLimit("rules", "max_rules", MAX_RULES),
    "StreamConfig.regions": CountLimit("regions", "max_regions", MAX_REGIONS),
    "HealthPolicy.ignored": CountLimit("ignored problems", "max_ignored", MAX_IGNORED),
    "EmbedRequest.texts": CountLimit("texts", "max_texts", MAX_TEXTS),
}


def counts_of(max_images_per_call: int) -> Counts:
    """Returns the limits of a server: those of every server, and its own on the images of a call."""
    images = CountLimit("images of the call", "max_images_per_call", max_images_per_call)
    return {**COUNTS, "EmbedRequest.images": images, "SimilarityRequest.candidates": images} | {
        "SimilarityRequest.queries": images
    }


def check_counts(message: Message, counts: Counts = COUNTS) -> None:
    """Raises LimitExceeded, with the field's path below the message, if one of its fields has too many elements.

    Messages inside of it are not looked at.
    """
    for field, name in repeated_fields(message.DESCRIPTOR):
        if (limit := counts.get(name)) is not None:
            limit.check(len(getattr(message, field)), field)


@cache
def repeated_fields(descriptor: Descriptor) -> tuple[tuple[str, str], ...]:
    """Returns the names of a message's repeated fields, alone and as in `Counts`."""
    return tuple((field.name, f"{descriptor.name}.{field.name}") for field in descriptor.fields if field.is_repeated)
