"""Comments of a rules file that explain what a calibrated rule rests on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

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
from framewatch_core.labels.scoring import ScoreKind
from framewatch_core.time import NS_PER_S


@dataclass(frozen=True, slots=True)
class RuleNotes:
    """Comments on a rule in a rules file.

    Attributes:
        above: lines above the rule.
        behind: comments behind the values of some of its keys, by key.

    """

    above: tuple[str, ...] = ()
    behind: Mapping[str, str] = field(default_factory=dict)


def calibration_notes(calibration: Calibration, source: str, date: str) -> RuleNotes:
    """Returns comments on a calibrated rule: its material, its figures, and the reason for each number.

    Args:
        calibration: the calibration of the rule.
        source: name of the recording.
        date: date of the calibration.

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
        yield f"  by kind of score, ends of stretches left out: {kinds}"
    yield "Events on the material that the rule was made from, so optimistic; in brackets 95 % confidence intervals:"
    yield from _estimate_lines(calibration.estimates)
    if calibration.held_out is not None:
        yield "Events on stretches that were left out when the rule was made:"
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
        yield "smoothing_s", "scores overlap; smoothed scores overlap less"


def _classes(kind: ScoreKind, placement: Placement) -> str:
    absent = f"without it {ABSENT_QUANTILE:.0%} of frames score at most {from_axis(kind, placement.absent_high):.3g}"
    if placement.present_low is None:
        return f"Inside the stretches (ends left out): {absent}."
    present = f"with it {1 - PRESENT_QUANTILE:.0%} at least {from_axis(kind, placement.present_low):.3g}"
    overlap = "" if placement.separated else "; the two are near each other or overlap"
    return f"Inside the stretches (ends left out): {absent}, {present}{overlap}."


def _share(kind: ScoreKind, threshold: float, placement: Placement) -> float:
    low, high = placement.absent_high, placement.present_low or 0.0
    return (place_of(kind, threshold) - low) / (high - low)


def _stretches(stretches: Sequence[Interval], which: str) -> str:
    seconds = sum(stretch.length_ns for stretch in stretches) / NS_PER_S
    return f"{len(stretches)} stretch{'es' * (len(stretches) != 1)} ({seconds:.1f} s) {which}"


def _interval(estimate: Estimate, digits: int) -> str:
    return f"{estimate.value:.{digits}f} [{estimate.low:.{digits}f}, {estimate.high:.{digits}f}] ({estimate.basis})"
