"""Labels and the sentences that describe them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from framewatch_core.errors import InvalidLabelSet, InvalidRequest
from framewatch_core.images.image import Image, ImageKey
from framewatch_core.limits import check_limit, check_name
from framewatch_core.quoting import quoted

DEFAULT_TEMPLATES = ("a photo of {label}",)
DEFAULT_CONTRAST = ("an empty scene", "an empty room", "an empty street", "a blank wall")
"""Contrast of a label that has neither contrast prompts nor examples."""
PLACEHOLDER = "{label}"

MAX_LABELS = 1000
MAX_PROMPTS_PER_LABEL = 32
MAX_PROMPT_CHARS = 2000
MAX_TEMPLATES = 128
MAX_TEMPLATE_CHARS = 1000
MAX_PROMPTS_PER_SET = 10_000
MAX_EXAMPLES_PER_LABEL = 64
MAX_EXAMPLES_PER_SET = 512

ExamplesKey: TypeAlias = tuple[tuple[ImageKey, ...], tuple[ImageKey, ...]]


@dataclass(frozen=True, slots=True)
class Label:
    """A thing to look for.

    Attributes:
        name: its name in results; 1 to 256 characters.
        prompts: texts used verbatim instead of the name in the set's templates; up to 32 of 1 to 2000 characters.
        contrast_prompts: texts that describe the picture without it; limits as of prompts.
        examples: images of it, up to 64; each an image or its key.
        counter_examples: images of the same place without it, up to 64; required with examples, not allowed without.

    Raises:
        InvalidLabelSet, LimitExceeded: with the field's path below the label.

    """

    name: str
    prompts: tuple[str, ...] = ()
    contrast_prompts: tuple[str, ...] = ()
    examples: tuple[Image | ImageKey, ...] = ()
    counter_examples: tuple[Image | ImageKey, ...] = ()
    _examples_key: ExamplesKey | None = field(default=None, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        check_name("the label's name", self.name, "name")
        if not self.name.strip():
            raise InvalidLabelSet("the label has no name: give each label the words to look for", "name")
        check_texts(self.prompts, "prompts", MAX_PROMPTS_PER_LABEL, MAX_PROMPT_CHARS)
        check_texts(self.contrast_prompts, "contrast_prompts", MAX_PROMPTS_PER_LABEL, MAX_PROMPT_CHARS)
        self._check_examples()

    def _check_examples(self) -> None:
        for name in ("examples", "counter_examples"):
            check_limit(
                f"the label's {name}",
                limit="max_examples_per_label",
                maximum=MAX_EXAMPLES_PER_LABEL,
                actual=len(getattr(self, name)),
                field=name,
            )
        if self.examples and not self.counter_examples:
            raise InvalidLabelSet(
                "the label has examples but no counter_examples: give images of the same place without it too",
                "counter_examples",
            )
        if self.counter_examples and not self.examples:
            raise InvalidLabelSet("the label has counter_examples but no examples: give images of it too", "examples")

    @property
    def examples_key(self) -> ExamplesKey:
        """Keys of its examples and counter-examples; computed once, since that reads all their bytes."""
        if self._examples_key is None:
            key = tuple(map(ImageKey.of, self.examples)), tuple(map(ImageKey.of, self.counter_examples))
            object.__setattr__(self, "_examples_key", key)
            return key
        return self._examples_key

    def with_example_keys(self) -> Label:
        """Returns the label with keys in place of its examples' images: a stream is long, and images are large."""
        if not self.examples:
            return self
        examples, counter_examples = self.examples_key
        return replace(self, examples=examples, counter_examples=counter_examples)

    @property
    def presence_contrast(self) -> tuple[str, ...]:
        """Texts that its presence is compared with; none: examples alone decide."""
        if self.contrast_prompts or self.examples:
            return self.contrast_prompts
        return DEFAULT_CONTRAST


@dataclass(frozen=True, slots=True)
class LabelSet:
    """Labels that an image is scored for, with the templates of their prompts.

    Attributes:
        labels: 1 to 1000, names unique.
        templates: each with `{label}` once; without any, names are used verbatim; several form an ensemble.

    Raises:
        InvalidLabelSet, LimitExceeded: with the field's path below the set.

    """

    labels: tuple[Label, ...]
    templates: tuple[str, ...] = DEFAULT_TEMPLATES

    def __post_init__(self) -> None:
        if not self.labels:
            raise InvalidLabelSet("the label set is empty: give at least one label", "labels")
        check_limit(
            "labels in the set", limit="max_labels", maximum=MAX_LABELS, actual=len(self.labels), field="labels"
        )
        self._check_unique_names()
        check_texts(self.templates, "templates.templates", MAX_TEMPLATES, MAX_TEMPLATE_CHARS)
        for i, template in enumerate(self.templates):
            if template.count(PLACEHOLDER) != 1:
                raise InvalidLabelSet(
                    f"the template {quoted(template)} must contain {PLACEHOLDER} exactly once",
                    f"templates.templates[{i}]",
                )
        total = sum(len(label.prompts) or max(1, len(self.templates)) for label in self.labels)
        total += sum(len(label.contrast_prompts) for label in self.labels)
        check_examples(sum(len(label.examples) + len(label.counter_examples) for label in self.labels))
        check_limit(
            "prompts of all labels", limit="max_prompts", maximum=MAX_PROMPTS_PER_SET, actual=total, field="labels"
        )

    def _check_unique_names(self) -> None:
        first: dict[str, int] = {}
        for i, label in enumerate(self.labels):
            if (earlier := first.setdefault(label.name, i)) != i:
                raise InvalidLabelSet(
                    f"the name {quoted(label.name)} is also that of labels[{earlier}]: names must be unique",
                    f"labels[{i}].name",
                )

    @classmethod
    def of(cls, labels: Iterable[str | Label], templates: Sequence[str] | None = None) -> LabelSet:
        """Makes a set of labels, or of their names alone. `templates`: None for the default, empty for none."""
        return cls(
            tuple(label if isinstance(label, Label) else Label(label) for label in labels),
            DEFAULT_TEMPLATES if templates is None else tuple(templates),
        )

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the labels, in order."""
        return tuple(label.name for label in self.labels)

    def with_example_keys(self) -> LabelSet:
        """Returns the set with keys in place of its examples' images."""
        return replace(self, labels=tuple(label.with_example_keys() for label in self.labels))

    def prompts(self) -> tuple[tuple[str, ...], ...]:
        """Returns for each label, in order, the texts that describe it; at least one each."""
        return tuple(self.prompts_of(label) for label in self.labels)

    def prompts_of(self, label: Label) -> tuple[str, ...]:
        """Returns the texts that describe a label of this set; at least one."""
        if label.prompts:
            return label.prompts
        if not self.templates:
            return (label.name,)
        return tuple(template.replace(PLACEHOLDER, label.name) for template in self.templates)


def check_examples(count: int) -> None:
    """Raises LimitExceeded if a set has more examples and counter-examples."""
    check_limit(
        "examples and counter-examples of all labels",
        limit="max_examples",
        maximum=MAX_EXAMPLES_PER_SET,
        actual=count,
        field="labels",
    )


def check_texts(
    texts: Sequence[str],
    field: str,
    max_count: int,
    max_chars: int,
    invalid: type[InvalidRequest] = InvalidLabelSet,
) -> None:
    """Raises `invalid` for an empty text, LimitExceeded for too many or too long ones, with the path `field[i]`."""
    what = field.rpartition(".")[2]
    check_limit(what, limit=f"max_{what}", maximum=max_count, actual=len(texts), field=field)
    for i, text in enumerate(texts):
        path = f"{field}[{i}]"
        check_limit(
            f"characters of {path}", limit=f"max_{what[:-1]}_chars", maximum=max_chars, actual=len(text), field=path
        )
        if not text.strip():
            raise invalid(f"{path} is empty: give a text or leave it out", path)
