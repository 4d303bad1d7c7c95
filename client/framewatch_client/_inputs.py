"""What callers write, as the domain's labels, rules and stream configs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from framewatch_client._images import example_image
from framewatch_client.types import ImageLike, LabelsLike, RegionLike, RuleLike
from framewatch_core.health.monitor import HealthPolicy
from framewatch_core.images.regions import Region
from framewatch_core.labels.labels import DEFAULT_TEMPLATES, Label, LabelSet
from framewatch_core.labels.scoring import ScoreKind
from framewatch_core.rules.rule import DEFAULT_MAX_FRAME_GAP_NS, EventRule
from framewatch_core.stream.messages import OverflowPolicy, StreamConfig
from framewatch_core.stream.reuse import DEFAULT_MAX_AGE_NS, ReusePolicy
from framewatch_core.time import nanoseconds

MAX_RULE_NUMBERS = 4
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def label_set(labels: LabelsLike, templates: Sequence[str] | None = None) -> LabelSet:
    """Labels as a set.

    Args:
        labels: a set, or labels, or their names; one string is one label.
        templates: sentences with `{label}`; None: those of the set, by default `a photo of {label}`; empty: names are
            used verbatim.

    """
    if isinstance(templates, str):
        templates = (templates,)
    if isinstance(labels, LabelSet):
        return labels if templates is None else replace(labels, templates=tuple(templates))
    if isinstance(labels, str):
        labels = (labels,)
    return LabelSet(
        tuple(label if isinstance(label, Label) else Label(label) for label in labels),
        DEFAULT_TEMPLATES if templates is None else tuple(templates),
    )


def example_label(
    name: str,
    examples: Iterable[ImageLike],
    counter_examples: Iterable[ImageLike],
    *,
    prompts: Iterable[str] = (),
    contrast_prompts: Iterable[str] = (),
) -> Label:
    """A label whose presence is judged by pictures, best from the very camera, cropped as its region is.

    Args:
        name: the label's name.
        examples: pictures with it, 1 to 64; a few of different moments do.
        counter_examples: pictures of the same place without it, 1 to 64.
        prompts: see `Label`.
        contrast_prompts: see `Label`; with them, presence is the mean of what pictures and texts say.

    Raises:
        TypeError, ValueError, OSError, FramewatchError: what is wrong with a picture or the label.

    """
    return Label(
        name,
        tuple(prompts),
        tuple(contrast_prompts),
        tuple(example_image(image) for image in examples),
        tuple(example_image(image) for image in counter_examples),
    )


def parse_region(text: str) -> Region:
    """A region's short form, `ID=X,Y,WIDTH,HEIGHT`, in fractions of the frame. Raises ValueError or InvalidRegion.

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
        raise ValueError(
            f"the region {text!r} can't be read: expected ID=X,Y,WIDTH,HEIGHT in fractions of the frame, such as "
            "left=0.06,0.28,0.17,0.62"
        )
    return Region(id_, x, y, width, height)


def stream_regions(regions: Iterable[RegionLike]) -> tuple[Region, ...]:
    """Regions or their short forms as regions."""
    if isinstance(regions, str):
        regions = (regions,)
    return tuple(parse_region(region) if isinstance(region, str) else region for region in regions)


def event_rule(
    label: str,
    enter_at: float,
    exit_below: float | None = None,
    *,
    min_present_s: float = 0.0,
    min_absent_s: float = 0.0,
    score_kind: ScoreKind = ScoreKind.PROBABILITY,
    id: str = "",  # noqa: A002  the field's name
    region_id: str = "",
    cooldown_s: float = 0.0,
    smoothing_s: float = 0.0,
    trail_count: int = 0,
) -> EventRule:
    """An EventRule with its times in seconds of frame time.

    Example:
        >>> event_rule("box", 0.8, 0.5, min_present_s=0.3).min_present_ns
        300000000

    """
    return EventRule(
        label,
        enter_at,
        exit_below,
        nanoseconds(min_present_s),
        nanoseconds(min_absent_s),
        score_kind,
        id,
        region_id,
        nanoseconds(cooldown_s),
        nanoseconds(smoothing_s),
        trail_count,
    )


def rule_name(label: str, region: str) -> str:
    """What a rule is called that has no name of its own."""
    return f"{label} {region}" if region else label


def parse_rule(text: str) -> EventRule:
    """A rule's short form, `LABEL:ENTER[:EXIT[:MIN_PRESENT_S[:MIN_ABSENT_S]]]`; the label may contain colons.

    Numbers are taken from the right, at most four. Raises ValueError or InvalidRule.

    Example:
        >>> parse_rule("box:0.8:0.5").exit_below
        0.5

    """
    label, numbers = text, list[float]()
    while len(numbers) < MAX_RULE_NUMBERS and (split := _split_number(label)) is not None:
        label = split[0]
        numbers.insert(0, split[1])
    if not label or not numbers:
        raise ValueError(
            f"the rule {text!r} can't be read: expected LABEL:ENTER[:EXIT[:MIN_PRESENT_S[:MIN_ABSENT_S]]], such as "
            "box:0.8:0.5"
        )
    enter_at, *times = numbers
    exit_below = times.pop(0) if times else None
    min_present_s, min_absent_s = (*times, 0.0, 0.0)[:2]
    return event_rule(label, enter_at, exit_below, min_present_s=min_present_s, min_absent_s=min_absent_s)


def _split_number(text: str) -> tuple[str, float] | None:
    head, colon, tail = text.rpartition(":")
    try:
        return (head, float(tail)) if colon else None
    except ValueError:
        return None


def event_rules(rules: Iterable[RuleLike]) -> tuple[EventRule, ...]:
    """Rules or their short forms as rules."""
    if isinstance(rules, str):
        rules = (rules,)
    return tuple(parse_rule(rule) if isinstance(rule, str) else rule for rule in rules)


def stream_config(
    labels: LabelsLike,
    *,
    rules: Iterable[RuleLike] = (),
    regions: Iterable[RegionLike] = (),
    health: HealthPolicy | None = None,
    templates: Sequence[str] | None = None,
    overflow: OverflowPolicy = OverflowPolicy.BLOCK,
    top_count: int = 0,
    max_frame_rate: float | None = None,
    max_frame_gap_s: float | None = None,
    origin_time: datetime | None = None,
    model: str = "",
    change_threshold: float = 0.0,
    max_reuse_age_s: float | None = None,
) -> StreamConfig:
    """A stream's config, checked as the server checks it.

    Raises the errors of `framewatch_core` with the field's path, and ValueError for what can't be read.
    """
    return StreamConfig(
        label_set=label_set(labels, templates),
        rules=event_rules(rules),
        regions=stream_regions(regions),
        health=health or HealthPolicy(),
        overflow_policy=overflow,
        top_count=top_count,
        max_frame_rate=max_frame_rate,
        max_frame_gap_ns=DEFAULT_MAX_FRAME_GAP_NS if max_frame_gap_s is None else nanoseconds(max_frame_gap_s),
        origin_time_ns=None if origin_time is None else _since_epoch_ns(origin_time),
        model=model,
        reuse=ReusePolicy(
            change_threshold, DEFAULT_MAX_AGE_NS if max_reuse_age_s is None else nanoseconds(max_reuse_age_s)
        ),
    )


def _since_epoch_ns(time: datetime) -> int:
    if time.tzinfo is None:
        raise ValueError("origin_time has no time zone: give one, such as datetime.now(UTC)")
    return (time - _EPOCH) // timedelta(microseconds=1) * 1000
