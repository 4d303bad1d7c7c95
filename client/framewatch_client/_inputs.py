"""Labels, rules and regions as callers write them, as the values of `framewatch_core`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, TypedDict, Unpack

from framewatch_client._images import example_image
from framewatch_client.errors import InvalidType, InvalidValue
from framewatch_client.types import ImageLike, LabelsLike, RegionLike, RuleLike
from framewatch_core.images.regions import Region
from framewatch_core.labels.labels import Label, LabelSet
from framewatch_core.labels.scoring import ScoreKind
from framewatch_core.rules.rule import EventRule
from framewatch_core.time import nanoseconds
from framewatch_wire.durations import MAX_DURATION_NS, MAX_DURATION_S

MAX_RULE_NUMBERS = 4
"""Numbers of a rule's short form at most."""


def label_set(labels: LabelsLike, templates: Sequence[str] | None = None) -> LabelSet:
    """Returns labels as a set.

    Args:
        labels: a set, or labels, or their names; one string is one label.
        templates: sentences with `{label}`; None: those of the set, by default `a photo of {label}`; empty: names are
            used verbatim.

    Raises:
        InvalidLabelSet, LimitExceeded: with the field's path.

    """
    if isinstance(templates, str):
        templates = (templates,)
    if isinstance(labels, LabelSet):
        return labels if templates is None else replace(labels, templates=tuple(templates))
    if isinstance(labels, str):
        labels = (labels,)
    return LabelSet.of(labels, templates)


def example_label(
    name: str,
    examples: Iterable[ImageLike],
    counter_examples: Iterable[ImageLike],
    *,
    prompts: Iterable[str] = (),
    contrast_prompts: Iterable[str] = (),
) -> Label:
    """Returns a label whose presence is measured by example images.

    The best examples come from the camera that is to be watched, cropped as the label's region is.

    Args:
        name: the label's name.
        examples: images with it, 1 to 64; a few of different moments are enough.
        counter_examples: images of the same place without it, 1 to 64.
        prompts: see `Label`.
        contrast_prompts: see `Label`; with them, presence is the mean of the images' and the texts' presence.

    Raises:
        InvalidType, InvalidValue, OSError: an image can't be used or read.
        FramewatchError: the label can't be used.

    """
    return Label(
        name,
        tuple(prompts),
        tuple(contrast_prompts),
        tuple(example_image(image) for image in examples),
        tuple(example_image(image) for image in counter_examples),
    )


def parse_region(text: str) -> Region:
    """Returns the region of a short form, `ID=X,Y,WIDTH,HEIGHT`, in fractions of the frame.

    Raises:
        InvalidValue, InvalidRegion: the text can't be read, or the region lies outside of the frame.

    Example:
        >>> parse_region("left=0.06,0.28,0.17,0.62").width
        0.17

    """
    id_, equals, numbers = text.rpartition("=")
    try:
        x, y, width, height = (float(number) for number in numbers.split(","))
    except ValueError:
        equals = ""
    if not equals or not id_:
        raise InvalidValue(
            f"the region {text!r} can't be read: expected ID=X,Y,WIDTH,HEIGHT in fractions of the frame, such as "
            "left=0.06,0.28,0.17,0.62"
        )
    return Region(id_, x, y, width, height)


def stream_regions(regions: Iterable[RegionLike]) -> tuple[Region, ...]:
    """Returns regions or their short forms as regions; one string is one region."""
    if isinstance(regions, str):
        regions = (regions,)
    return tuple(parse_region(region) if isinstance(region, str) else region for region in regions)


class RuleKeywords(TypedDict, total=False):
    """Keywords of `event_rule`; the defaults are those of `EventRule`.

    Attributes:
        min_present_s: how long the score must have been at least `enter_at`, in seconds; 0.3 unless given; 0: one frame
            is enough.
        min_absent_s: how long it must have been less than `exit_below`, in seconds; likewise.
        score_kind: the kind of the score that is compared with the thresholds.
        id: the rule's name in its events; empty: the label.
        region_id: the region that is scored; empty: the whole frame.
        cooldown_s: for how long after EXITED no ENTERED is emitted, in seconds; 0: not at all.
        smoothing_s: half-life of the exponential smoothing of the score, in seconds; 0: none.
        trail_count: how many of its last scores an event carries; 0 to 100.

    """

    min_present_s: float
    min_absent_s: float
    score_kind: ScoreKind
    id: str
    region_id: str
    cooldown_s: float
    smoothing_s: float
    trail_count: int


def event_rule(
    label: str, enter_at: float, exit_below: float | None = None, **options: Unpack[RuleKeywords]
) -> EventRule:
    """Returns an `EventRule` whose times were given in seconds of frame time.

    Args:
        label: name of a label of the set.
        enter_at: a score of at least this counts towards ENTERED; in (0, 1].
        exit_below: a score of less than this counts towards EXITED; in (0, enter_at]; None: enter_at.
        **options: see `RuleKeywords`.

    Raises:
        InvalidType: an option is unknown.
        InvalidValue: a time is not finite.
        InvalidRule, LimitExceeded: with the field's path below the rule.

    Example:
        >>> event_rule("box", 0.8, 0.5, min_present_s=0.4).min_present_ns
        400000000

    """
    check_keywords("a rule", options, RuleKeywords)
    fields: dict[str, Any] = {}
    for name, value in options.items():
        stem = name.removesuffix("_s")
        fields |= {name: value} if stem == name else {f"{stem}_ns": finite_ns(name, value)}
    return EventRule(label, enter_at, exit_below, **fields)


def check_keywords(owner: str, given: Iterable[str], kind: type[object]) -> None:
    """Raises InvalidType if a keyword is not in a TypedDict. `owner`: the owner of the keywords, for the message."""
    if unknown := [name for name in given if name not in kind.__annotations__]:
        expected = ", ".join(sorted(kind.__annotations__))
        raise InvalidType(f"{owner} has no option {', '.join(unknown)}: expected some of {expected}")


def finite_ns(name: str, seconds: Any) -> int:
    """Returns seconds as nanoseconds. Raises InvalidValue, with the option's name, if no Duration can have them."""
    try:
        time_ns = nanoseconds(seconds)
    except ValueError as error:
        raise InvalidValue(f"{name}: {error}") from None
    if abs(time_ns) > MAX_DURATION_NS:
        raise InvalidValue(f"{name}: a time of {seconds:g} s: expected at most {MAX_DURATION_S:,} s, 10,000 years")
    return time_ns


def rule_name(label: str, region_id: str) -> str:
    """Returns the name of a rule that has none of its own: its label, and its region if it has one."""
    return f"{label} {region_id}" if region_id else label


def parse_rule(text: str) -> EventRule:
    """Returns the rule of a short form, `LABEL:ENTER[:EXIT[:MIN_PRESENT_S[:MIN_ABSENT_S]]]`.

    Numbers are taken from the right, at most four: the label may contain colons. Times that are missing are the
    defaults of `EventRule`.

    Raises:
        InvalidValue, InvalidRule: the text can't be read, or a threshold is out of range.

    Example:
        >>> parse_rule("box:0.8:0.5").exit_below
        0.5

    """
    label, numbers = text, list[float]()
    while len(numbers) < MAX_RULE_NUMBERS and (split := _split_number(label)) is not None:
        label = split[0]
        numbers.insert(0, split[1])
    if not label or not numbers:
        raise InvalidValue(
            f"the rule {text!r} can't be read: expected LABEL:ENTER[:EXIT[:MIN_PRESENT_S[:MIN_ABSENT_S]]], such as "
            "box:0.8:0.5"
        )
    enter_at, *times = numbers
    exit_below = times.pop(0) if times else None
    options = RuleKeywords()
    if times:
        options["min_present_s"] = times.pop(0)
    if times:
        options["min_absent_s"] = times.pop(0)
    return event_rule(label, enter_at, exit_below, **options)


def _split_number(text: str) -> tuple[str, float] | None:
    head, colon, tail = text.rpartition(":")
    try:
        return (head, float(tail)) if colon else None
    except ValueError:
        return None


def event_rules(rules: Iterable[RuleLike]) -> tuple[EventRule, ...]:
    """Returns rules or their short forms as rules; one string is one rule."""
    if isinstance(rules, str):
        rules = (rules,)
    return tuple(parse_rule(rule) if isinstance(rule, str) else rule for rule in rules)
