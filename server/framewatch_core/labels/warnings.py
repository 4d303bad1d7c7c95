"""Warnings: a request was answered, but perhaps not as it was meant."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from framewatch_core.labels.labels import LabelSet
from framewatch_core.labels.scoring import ScoreFunction
from framewatch_core.quoting import quoted

TEXT_TRUNCATED = "TEXT_TRUNCATED"
SINGLE_LABEL = "SINGLE_LABEL"
SIMILAR_LABELS = "SIMILAR_LABELS"
MAX_WARNINGS = 20
"""Most warnings of one request; a request with more has the same mistake many times."""

_SHOWN_CHARS = 40


@dataclass(frozen=True, slots=True)
class RequestWarning:
    """Warning about a request that was answered.

    Attributes:
        reason: stable name, UPPER_SNAKE_CASE.
        message: what is wrong and what to do.
        field: path of the field.

    """

    reason: str
    message: str
    field: str

    def __str__(self) -> str:
        where = f" ({self.field})" if self.field else ""
        return f"{self.message}{where} [{self.reason}]"

    def under(self, parent: str) -> RequestWarning:
        """Returns the same warning with a path that begins with that of the message that has the field."""
        return replace(self, field=f"{parent}.{self.field}")


def truncated_texts(
    texts: Sequence[str], cut_off: Collection[str], max_tokens: int, field: str
) -> tuple[RequestWarning, ...]:
    """Warns of those of a field's texts that the model does not read to their end.

    Args:
        texts: of the field.
        cut_off: all texts that are too long.
        max_tokens: tokens that the model reads.
        field: the field's name; paths are `field[i]`.

    """
    found = (_truncated(text, max_tokens, f"{field}[{i}]") for i, text in enumerate(texts) if text in cut_off)
    return tuple(found)[:MAX_WARNINGS]


def truncated_prompts(label_set: LabelSet, cut_off: Collection[str], max_tokens: int) -> tuple[RequestWarning, ...]:
    """Warns of the prompts of a label set that the model does not read to their end, with paths below the set.

    Args:
        label_set: the labels.
        cut_off: all texts that are too long; the default contrast is not.
        max_tokens: tokens that the model reads.

    """
    if not cut_off:
        return ()
    found: list[RequestWarning] = []
    for i, label in enumerate(label_set.labels):
        path = f"labels[{i}]"
        if label.prompts:
            found += truncated_texts(label.prompts, cut_off, max_tokens, f"{path}.prompts")
        elif too_long := [text for text in label_set.prompts_of(label) if text in cut_off]:
            found.append(_truncated(too_long[0], max_tokens, f"{path}.name"))
        found += truncated_texts(label.contrast_prompts, cut_off, max_tokens, f"{path}.contrast_prompts")
    return tuple(found[:MAX_WARNINGS])


def doubtful_labels(
    label_set: LabelSet, score_function: ScoreFunction, *, by_probability: bool | None = None
) -> tuple[RequestWarning, ...]:
    """Warns of a set whose probabilities say little, whatever the picture shows; with paths below the set.

    Args:
        label_set: the labels.
        score_function: of the model's probabilities.
        by_probability: True: the probabilities are what counts; None: unless labels have a contrast of their own,
            which nothing but their presence uses.

    """
    labels = label_set.labels
    found: list[RequestWarning] = []
    if by_probability is None:
        by_probability = not any(label.examples or label.contrast_prompts for label in labels)
    if len(labels) == 1 and by_probability and score_function is ScoreFunction.SOFTMAX:
        found.append(
            RequestWarning(
                SINGLE_LABEL,
                "with a single label, this model gives it the probability 1 whatever the picture shows: add a label "
                'for what else there may be, such as "an empty room", or go by its presence',
                "labels",
            )
        )
    seen: dict[str, str] = {}
    for i, label in enumerate(labels):
        first = seen.setdefault(" ".join(label.name.split()).casefold(), label.name)
        if first != label.name:
            found.append(
                RequestWarning(
                    SIMILAR_LABELS,
                    f"the label {quoted(label.name, _SHOWN_CHARS)} is {quoted(first, _SHOWN_CHARS)} but for space or "
                    "case, so that they share what would be one probability: keep one of them",
                    f"labels[{i}].name",
                )
            )
    return tuple(found[:MAX_WARNINGS])


def _truncated(text: str, max_tokens: int, field: str) -> RequestWarning:
    return RequestWarning(
        TEXT_TRUNCATED,
        f"the text {quoted(text, _SHOWN_CHARS)} has more than the {max_tokens} tokens that the model reads, and its "
        "end was cut off: shorten it, or split it into several prompts",
        field,
    )
