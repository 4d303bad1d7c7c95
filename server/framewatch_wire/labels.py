"""Labels, and their scores."""

from __future__ import annotations

from collections.abc import Iterable

from framewatch.v1 import framewatch_pb2 as pb
from framewatch_core.labels.labels import DEFAULT_TEMPLATES, Label, LabelSet, check_examples
from framewatch_core.labels.scoring import LabelScore
from framewatch_wire.fields import under
from framewatch_wire.images import image_to_proto, images_from_proto
from framewatch_wire.requests.counts import check_counts


def label_set_to_proto(label_set: LabelSet) -> pb.LabelSet:
    """Returns a label set as a message; default templates stay absent. Raises ValueError: an example is only a key."""
    message = pb.LabelSet(labels=map(_label_to_proto, label_set.labels))
    if label_set.templates != DEFAULT_TEMPLATES:
        message.templates.CopyFrom(pb.PromptTemplates(templates=label_set.templates))
    return message


def _label_to_proto(label: Label) -> pb.Label:
    return pb.Label(
        name=label.name,
        prompts=label.prompts,
        contrast_prompts=label.contrast_prompts,
        examples=map(image_to_proto, label.examples),
        counter_examples=map(image_to_proto, label.counter_examples),
    )


def label_set_from_proto(message: pb.LabelSet) -> LabelSet:
    """Returns a label set. Raises InvalidRequest, LimitExceeded with a path below the set."""
    check_counts(message)
    templates: tuple[str, ...] = DEFAULT_TEMPLATES
    if message.HasField("templates"):
        with under("templates"):
            check_counts(message.templates)
        templates = tuple(message.templates.templates)
    check_examples(sum(len(label.examples) + len(label.counter_examples) for label in message.labels))
    return LabelSet(tuple(_label_from_proto(label, i) for i, label in enumerate(message.labels)), templates)


def _label_from_proto(message: pb.Label, index: int) -> Label:
    with under(f"labels[{index}]"):
        check_counts(message)
        label = Label(
            name=message.name,
            prompts=tuple(message.prompts),
            contrast_prompts=tuple(message.contrast_prompts),
            examples=tuple(images_from_proto(message.examples, "examples").values()),
            counter_examples=tuple(images_from_proto(message.counter_examples, "counter_examples").values()),
        )
    _ = label.examples_key  # here, where it may be on another thread than the event loop's
    return label


def label_score_to_proto(score: LabelScore) -> pb.LabelScore:
    """Returns the scores of a label as a message."""
    return pb.LabelScore(
        label=score.label, probability=score.probability, similarity=score.similarity, presence=score.presence
    )


def label_score_from_proto(message: pb.LabelScore) -> LabelScore:
    """Returns the scores of a label."""
    presence = message.presence if message.HasField("presence") else None
    return LabelScore(message.label, message.probability, message.similarity, presence)


def label_scores_from_proto(messages: Iterable[pb.LabelScore]) -> tuple[LabelScore, ...]:
    """Returns the scores of several labels, in their order."""
    return tuple(map(label_score_from_proto, messages))
