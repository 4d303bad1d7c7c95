"""Rules files, written for people: with comments that say what each number rests on."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import yaml

from framewatch_cli.pictures.examples import seconds_text
from framewatch_cli.rules.file import VERSION, LabelEntry, RulesFile
from framewatch_core.calibration.calibrate import Calibration
from framewatch_core.calibration.estimates import Estimate
from framewatch_core.calibration.intervals import Interval
from framewatch_core.calibration.tally import EventEstimates
from framewatch_core.calibration.thresholds import (
    ABSENT_QUANTILE,
    PRESENT_QUANTILE,
    Placement,
    from_axis,
    place_of,
)
from framewatch_core.health.monitor import HealthPolicy
from framewatch_core.labels.labels import DEFAULT_TEMPLATES
from framewatch_core.labels.scoring import ScoreKind
from framewatch_core.rules.rule import EventRule
from framewatch_core.time import NS_PER_S


@dataclass(frozen=True, slots=True)
class RuleNotes:
    """Comments on a rule: lines above it, and one behind the value of a key."""

    above: tuple[str, ...] = ()
    behind: Mapping[str, str] = field(default_factory=dict)


def write_rules(rules: RulesFile, header: Sequence[str] = (), notes: Mapping[str, RuleNotes] | None = None) -> str:
    """The text of a rules file. Read again, it gives the same, but for `EventRule.trail_count`, which the file lacks.

    Args:
        rules: what it says; values that are the defaults are left out.
        header: lines of a comment at its beginning.
        notes: on rules, by their names.

    """
    return "\n".join([*_comment(header), *_document(rules, notes or {}), ""])


def calibration_notes(calibration: Calibration, source: str, date: str) -> RuleNotes:
    """What a calibrated rule rests on.

    Args:
        calibration: of the rule.
        source: what was scored, as people call it.
        date: of the calibration, as people write it.

    """
    behind = dict([*_threshold_notes(calibration), *_min_time_notes(calibration)])
    return RuleNotes(tuple(_calibration_lines(calibration, source, date)), behind)


def _calibration_lines(calibration: Calibration, source: str, date: str) -> Iterator[str]:
    material, rule = calibration.material, calibration.rule
    yield (
        f"Calibrated {date} from {source}: {_stretches(material.present, 'with')} and "
        f"{_stretches(material.absent, 'without')} {rule.label}."
    )
    yield _classes(rule.score_kind, calibration.placement)
    if calibration.frame_auc is not None:
        kinds = ", ".join(f"{k.name.lower()} {s.auc:.3f}" for k, s in calibration.separations.items())
        yield f"ROC AUC over frames: {_interval(calibration.frame_auc, 3)}"
        yield f"  by kind of score, but for the stretches' ends: {kinds}"
    yield "Events on the very material that the rule was made from, so optimistic; in brackets what 95 % confidence"
    yield "allows:"
    yield from _estimate_lines(calibration.estimates)
    if calibration.held_out is not None:
        yield "Events on stretches that were left out while a rule was made:"
        yield from _estimate_lines(calibration.held_out)
    elif not material.present:
        yield "How many appearances it finds is not known: there was none in the material."


def _estimate_lines(estimates: EventEstimates) -> Iterator[str]:
    for name, estimate in (
        ("precision", estimates.precision),
        ("recall", estimates.recall),
        ("false events an hour", estimates.false_per_hour),
    ):
        if estimate.value is not None:
            yield f"  {name}: {_interval(estimate, 2)}"


def _threshold_notes(calibration: Calibration) -> Iterator[tuple[str, str]]:
    kind, placement = calibration.rule.score_kind, calibration.placement
    if calibration.searched:
        yield "enter_at", "fits the material best when replayed"
        yield "exit_below", "halfway from enter_at to the median without it"
    elif placement.present_low is None:
        yield "enter_at", "well above the highest score without it" + " or 0.5" * (kind is not ScoreKind.SIMILARITY)
        yield "exit_below", "halfway back to the scores without it"
    else:
        axis = "" if kind is ScoreKind.SIMILARITY else ", by log-odds"
        for name, threshold in (("enter_at", placement.enter_at), ("exit_below", placement.exit_below)):
            yield name, f"{_share(kind, threshold, placement):.0%} of the way from without to with it{axis}"


def _min_time_notes(calibration: Calibration) -> Iterator[tuple[str, str]]:
    least = "at least two frames and 0.2 s"
    yield "min_present_s", f"longer than scores reached enter_at without it; {least}"
    if calibration.material.present:
        yield "min_absent_s", f"longer than scores fell below exit_below with it; {least}"
    else:
        yield "min_absent_s", least
    if calibration.rule.smoothing_ns:
        yield "smoothing_s", "scores overlap; smoothed they do so less"


def _classes(kind: ScoreKind, placement: Placement) -> str:
    absent = f"without it {ABSENT_QUANTILE:.0%} of frames score at most {from_axis(kind, placement.absent_high):.3g}"
    if placement.present_low is None:
        return f"Apart from the stretches' ends, {absent}."
    present = f"with it {1 - PRESENT_QUANTILE:.0%} at least {from_axis(kind, placement.present_low):.3g}"
    overlap = "" if placement.separated else "; the two are near each other or overlap"
    return f"Apart from the stretches' ends, {absent}, {present}{overlap}."


def _share(kind: ScoreKind, threshold: float, placement: Placement) -> float:
    low, high = placement.absent_high, placement.present_low or 0.0
    return (place_of(kind, threshold) - low) / (high - low)


def _stretches(stretches: Sequence[Interval], what: str) -> str:
    seconds = sum(stretch.length_ns for stretch in stretches) / NS_PER_S
    return f"{len(stretches)} stretch{'es' * (len(stretches) != 1)} ({seconds:.1f} s) {what}"


def _interval(estimate: Estimate, digits: int) -> str:
    return f"{estimate.value:.{digits}f} [{estimate.low:.{digits}f}, {estimate.high:.{digits}f}] ({estimate.basis})"


def _document(rules: RulesFile, notes: Mapping[str, RuleNotes]) -> Iterator[str]:
    yield f"version: {VERSION}"
    if rules.model:
        yield f"model: {_scalar(rules.model)}"
    if rules.templates != DEFAULT_TEMPLATES:
        yield f"templates: {_list(rules.templates)}"
    yield "labels:"
    for entry in rules.labels:
        yield from _item(_label(entry))
    if rules.regions:
        yield "regions: # x, y, width, height, as fractions of the frame"
        for region in rules.regions:
            yield f"  {_scalar(region.id)}: {_list((region.x, region.y, region.width, region.height))}"
    if rules.rules:
        yield "rules:"
    for rule in rules.rules:
        note = notes.get(rule.name, RuleNotes())
        yield from (f"  {line}" for line in _comment(note.above))
        yield from _item(_rule(rule), note.behind)
    if rules.health != HealthPolicy():
        yield "health:"
        yield from (f"  {key}: {value}" for key, value in _health(rules.health))


def _label(entry: LabelEntry) -> Iterator[tuple[str, str]]:
    label = entry.label
    yield "name", _scalar(label.name)
    for name in ("prompts", "contrast_prompts"):
        if texts := getattr(label, name):
            yield name, _list(texts)
    for name in ("examples", "counter_examples"):
        if examples := getattr(entry, name):
            yield name, _list(map(str, examples))


def _rule(rule: EventRule) -> Iterator[tuple[str, str]]:
    for name, text in (("id", rule.id), ("label", rule.label), ("region", rule.region_id)):
        if text:
            yield name, _scalar(text)
    yield "score", rule.score_kind.name.lower()
    yield "enter_at", _scalar(rule.enter_at)
    if rule.exit_below is not None:
        yield "exit_below", _scalar(rule.exit_below)
    for name in ("min_present", "min_absent", "cooldown", "smoothing"):
        if time_ns := getattr(rule, f"{name}_ns"):
            yield f"{name}_s", seconds_text(time_ns)


def _health(health: HealthPolicy) -> Iterator[tuple[str, str]]:
    default = HealthPolicy()
    if health.disabled:
        yield "disabled", "true"
    if health.ignored:
        yield "ignored", _list(sorted(problem.name.lower() for problem in health.ignored))
    if health.frozen_after_ns != default.frozen_after_ns:
        yield "frozen_after_s", seconds_text(health.frozen_after_ns)
    if health.settle_ns != default.settle_ns:
        yield "settle_s", seconds_text(health.settle_ns)


def _item(pairs: Iterable[tuple[str, str]], behind: Mapping[str, str] | None = None) -> Iterator[str]:
    dash = "- "
    for key, value in pairs:
        note = (behind or {}).get(key)
        yield f"  {dash}{key}: {value}{f'  # {_printable(note)}' if note else ''}"
        dash = "  "


def _comment(lines: Iterable[str]) -> Iterator[str]:
    return (f"# {_printable(line)}".rstrip() for line in lines)


def _printable(text: str) -> str:
    """One line without what ends a comment or what YAML does not allow."""
    return "".join(character if character.isprintable() else "?" for character in text)


def _list(values: Iterable[Any]) -> str:
    """The values as a flow list on one line."""
    return f"[{', '.join(map(_scalar, values))}]"


def _scalar(value: Any) -> str:
    """A text or number as it may stand in a flow list."""
    # of texts with other line breaks than \n PyYAML writes what it does not read, unless they are escaped
    escaped = isinstance(value, str) and not value.isprintable()
    text = yaml.safe_dump(
        [value],
        default_flow_style=True,
        default_style='"' if escaped else None,
        allow_unicode=not escaped,
        width=math.inf,
    )
    return str(text).rstrip("\n")[1:-1]
