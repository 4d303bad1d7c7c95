"""Thresholds of a rule, from scores of frames with the thing and of frames without it.

Everything is done on an axis on which equal distances mean equal evidence: logits of probability and presence, the
plain cosine for similarity. On probability itself all of a good label's scores lie at 0 and 1, and the middle between
them means nothing.

Material is short, and the rule is used at other hours. The changes at other hours were measured: with other light,
noise or place, absent scores rise by up to a tenth of the gap between the classes, and single ones by half of it, as
when a hand reaches through the picture; present scores fall by half of it for seconds. The scatter of a class in the
material predicts little of that: absent frames of a fixed camera hardly scatter at all. So thresholds are fractions of
the gap, away from both classes, with a least distance from the absent scores for material in which they do scatter.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from framewatch_core.arrays import Float64Array
from framewatch_core.calibration.estimates import roc_auc
from framewatch_core.labels.scoring import ScoreKind

# Evidence of more than 1000 to 1 is over-confidence of the model: differences beyond it mean nothing.
LOGIT_LIMIT = 6.9

# One frame in ten of a stretch may be anything: a shadow, a passer-by, the thing half hidden.
ABSENT_QUANTILE = 0.90
PRESENT_QUANTILE = 0.10

# Parts of the gap between the two quantiles, from the absent one up. ENTERED needs nearly half of it: more, and a
# present thing in bad light is missed; less, and a hand that reaches through is one. EXITED needs the thing to be gone
# for all but a quarter: more than absent scores rise, and less than the worst present scores keep. Over two
# videos, four regions, six kinds of light and noise and two frame rates, events were right for enter from 0.19 to 0.65
# and more, and for exit from 0.10 to 0.37: these are about the middles.
ENTER_FRACTION = 0.45
EXIT_FRACTION = 0.25
SAFE_ENTER = (0.25, 0.65)
# Absent scores that scatter need more: exit_below is this many robust standard deviations above their quantile. A
# camera gives millions of frames a week, of which a normal distribution has one beyond 5, and real tails are heavier.
EXIT_SPREADS = 6.0
# exit_below stays below this part of the gap, where absent scores are nearer. Classes that need more are not separated.
MOST_EXIT_FRACTION = 0.40

# With background only: robust standard deviations between the highest absent score and enter_at.
TAIL_SPREADS = 10.0

# Less scatter than this is a property of the material, not of the scene: a frozen picture has none.
_LEAST_SPREAD = {ScoreKind.PROBABILITY: 0.05, ScoreKind.PRESENCE: 0.05, ScoreKind.SIMILARITY: 0.001}
# from the median absolute deviation to a normal distribution's standard deviation
_MAD_TO_SIGMA = 1.4826

# thresholds of rules are greater than 0
_LEAST_THRESHOLD = 1e-4


def to_axis(kind: ScoreKind, scores: Float64Array) -> Float64Array:
    """Returns scores on the axis of equal evidence: logits, cut at ±LOGIT_LIMIT; similarities as they are."""
    if kind is ScoreKind.SIMILARITY:
        return scores
    least = 1 / (1 + np.exp(LOGIT_LIMIT))
    inner = np.clip(scores, least, 1 - least)
    return np.asarray(np.log(inner) - np.log1p(-inner), dtype=np.float64)


def place_of(kind: ScoreKind, score: float) -> float:
    """Returns one score's place on the axis."""
    return float(to_axis(kind, np.array([score]))[0])


def from_axis(kind: ScoreKind, value: float) -> float:
    """Returns a place on the axis as a score."""
    return value if kind is ScoreKind.SIMILARITY else float(1 / (1 + np.exp(-value)))


@dataclass(frozen=True, slots=True)
class Placement:
    """Thresholds and their grounds; all but the thresholds are places on the axis (`to_axis`).

    Attributes:
        enter_at, exit_below: scores, in (0, 1].
        absent_median, absent_high: median and ABSENT_QUANTILE of the absent frames.
        present_low: PRESENT_QUANTILE of the present frames; None: none are known.
        separated: True if the classes lie apart by more than the absent one scatters, or only one is known.

    """

    enter_at: float
    exit_below: float
    absent_median: float
    absent_high: float
    present_low: float | None
    separated: bool


@dataclass(frozen=True, slots=True)
class Separation:
    """Separation of present and absent frames by a kind of score.

    Attributes:
        auc: ROC AUC over frames.
        margin: the gap between the classes' quantiles as a share of the distance between their medians; 1: neither
            scatters, 0 or less: they overlap.

    """

    auc: float
    margin: float


def separation(kind: ScoreKind, present: Float64Array, absent: Float64Array) -> Separation:
    """Returns the separation of two classes of frames, neither empty."""
    low, high = to_axis(kind, absent), to_axis(kind, present)
    distance = float(np.median(high) - np.median(low))
    gap = float(np.quantile(high, PRESENT_QUANTILE) - np.quantile(low, ABSENT_QUANTILE))
    return Separation(roc_auc(present, absent), gap / distance if distance > 0 else min(gap, 0.0))


def place(kind: ScoreKind, present: Float64Array, absent: Float64Array) -> Placement:
    """Returns thresholds between two classes of frames, neither empty."""
    middle, high, spread = _describe(kind, absent)
    low = float(np.quantile(to_axis(kind, present), PRESENT_QUANTILE))
    gap = low - high
    separated = MOST_EXIT_FRACTION * gap >= EXIT_SPREADS * spread
    gap = max(gap, 0.0)
    exit_distance = min(max(EXIT_FRACTION * gap, EXIT_SPREADS * spread), MOST_EXIT_FRACTION * gap)
    enter_distance = exit_distance + (ENTER_FRACTION - EXIT_FRACTION) * gap
    return _placement(kind, high + enter_distance, high + exit_distance, (middle, high, low), separated)


def place_above(kind: ScoreKind, absent: Float64Array) -> Placement:
    """Returns thresholds from the absent frames alone.

    enter_at lies well above the tail, and not below 0.5 for a probability or presence: there the model itself finds the
    thing as likely as not. exit_below lies halfway back.
    """
    middle, high, spread = _describe(kind, absent)
    enter = float(to_axis(kind, absent).max()) + TAIL_SPREADS * spread
    if kind is not ScoreKind.SIMILARITY:
        enter = max(enter, 0.0)
    return _placement(kind, enter, (high + enter) / 2, (middle, high, None), separated=True)


def search_range(placement: Placement, known: Float64Array) -> tuple[float, float]:
    """Returns the range in which enter_at may be searched, as two places on the axis.

    Args:
        placement: whose events are wrong somewhere in the material.
        known: all known frames' places on the axis.

    Returns:
        With separated classes, the range that was right at other hours too: a better fit beyond it is due to chance.
        With others, the range of all known frames.

    """
    if not placement.separated or placement.present_low is None:
        return float(known.min()), float(known.max())
    gap = placement.present_low - placement.absent_high
    return placement.absent_high + SAFE_ENTER[0] * gap, placement.absent_high + SAFE_ENTER[1] * gap


def place_at(kind: ScoreKind, enter: float, like: Placement) -> Placement:
    """Returns thresholds for the same classes: enter at a place on the axis, exit halfway down to the absent median."""
    exit_ = min(enter, (enter + like.absent_median) / 2)
    classes = like.absent_median, like.absent_high, like.present_low
    return _placement(kind, enter, exit_, classes, separated=like.separated)


def _describe(kind: ScoreKind, absent: Float64Array) -> tuple[float, float, float]:
    """Returns median, quantile and robust standard deviation on the axis."""
    places = to_axis(kind, absent)
    middle = float(np.median(places))
    sigma = _MAD_TO_SIGMA * float(np.median(np.abs(places - middle)))
    return middle, float(np.quantile(places, ABSENT_QUANTILE)), max(sigma, _LEAST_SPREAD[kind])


def _placement(
    kind: ScoreKind, enter: float, exit_: float, classes: tuple[float, float, float | None], separated: bool
) -> Placement:
    """Returns thresholds as scores, to three significant digits of their distance from the nearer end of the range."""
    enter_at = min(max(_rounded(from_axis(kind, enter)), _LEAST_THRESHOLD), 1.0)
    exit_below = min(max(_rounded(from_axis(kind, exit_)), _LEAST_THRESHOLD), enter_at)
    return Placement(enter_at, exit_below, *classes, separated)


def _rounded(score: float) -> float:
    distance = min(abs(score), abs(1 - score))
    digits = 3 if distance == 0 else max(3, 2 - int(np.floor(np.log10(distance))))
    return round(score, digits)
