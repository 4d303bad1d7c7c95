"""Estimates from few observations, with intervals that are valid for few.

Intervals are exact and two-sided: an interval of 95 % holds in at least 95 % of cases, however small the counts are.
Normal approximations would give an interval of no width for «6 of 6».
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from framewatch_core.arrays import Float64Array

CONFIDENCE = 0.95
_NS_PER_HOUR = 3_600_000_000_000
# halvings of an interval: below a float's resolution
_BISECTIONS = 80


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value and the interval that it lies in with a confidence of 95 % or more.

    Attributes:
        value: the estimate; None: there was nothing to estimate it from; the interval is the whole range.
        low, high: the interval's ends.
        basis: what was counted, for people: `5 of 6`.

    """

    value: float | None
    low: float
    high: float
    basis: str


def proportion(count: int, total: int) -> Estimate:
    """Returns the rate of `count` successes of `total`, with Clopper and Pearson's interval (Biometrika 26, 1934)."""
    if not 0 <= count <= total:
        raise ValueError(f"{count} of {total}: expected 0 or more, and no more than all")
    if total == 0:
        return Estimate(None, 0.0, 1.0, "0 of 0")
    tail = (1 - CONFIDENCE) / 2
    # the probability of so many or more rises with the rate, that of so many or fewer falls
    low = 0.0 if count == 0 else _solve(lambda p: 1 - _binomial_cdf(count - 1, total, p) - tail, 0.0, 1.0)
    high = 1.0 if count == total else _solve(lambda p: tail - _binomial_cdf(count, total, p), 0.0, 1.0)
    return Estimate(count / total, low, high, f"{count} of {total}")


def rate_per_hour(count: int, exposure_ns: int) -> Estimate:
    """Returns events an hour from `count` events in a time, with Garwood's interval (Biometrika 28, 1936).

    With none, the upper end is 3.7 events in the time: Garwood's two-sided form of the rule of three.
    """
    if count < 0 or exposure_ns < 0:
        raise ValueError(f"{count} events in {exposure_ns} ns: expected 0 or more of both")
    hours = exposure_ns / _NS_PER_HOUR
    basis = f"{count} in {_duration(exposure_ns)}"
    if hours == 0:
        return Estimate(None, 0.0, math.inf, basis)
    tail = (1 - CONFIDENCE) / 2
    # the mean of a Poisson distribution is almost certainly below this
    most = count + 10 * math.sqrt(count + 1) + 10
    low = 0.0 if count == 0 else _solve(lambda mean: 1 - _poisson_cdf(count - 1, mean) - tail, 0.0, most)
    high = _solve(lambda mean: tail - _poisson_cdf(count, mean), 0.0, most)
    return Estimate(count / hours, low / hours, high / hours, basis)


def roc_auc(present: Float64Array, absent: Float64Array) -> float:
    """Returns the probability that a present frame scores higher than an absent one, a tie counted half.

    Neither class may be empty.
    """
    ordered = np.sort(absent)
    lower = np.searchsorted(ordered, present, side="left")
    not_higher = np.searchsorted(ordered, present, side="right")
    return float((lower + not_higher).sum() / (2 * len(present) * len(absent)))


def roc_auc_estimate(present: Float64Array, absent: Float64Array) -> Estimate:
    """Returns the ROC AUC over frames, with an interval that does not take each frame for a new observation.

    Frames that follow each other show nearly the same, so each class counts as `effective_count` observations. The
    variance of an AUC is at most AUC · (1 − AUC) / min(m, n) (Birnbaum and Klose, Annals of Mathematical Statistics 28,
    1957), which is that of a proportion out of min(m, n); its Clopper–Pearson interval is taken, rounded outwards.

    Args:
        present: scores in the order of time, not empty.
        absent: the same of the other class.

    """
    value = roc_auc(present, absent)
    count = min(effective_count(present), effective_count(absent))
    low = proportion(math.floor(value * count), count).low
    high = proportion(math.ceil(value * count), count).high
    return Estimate(value, low, high, f"{len(present)} and {len(absent)} frames, worth {count} independent ones each")


def effective_count(scores: Float64Array) -> int:
    """Returns the number of independent observations of a series: n (1 − r) / (1 + r), r its lag-1 correlation; 1 to n.

    That is the effective sample size of a first-order autoregressive process.
    """
    centred = scores - scores.mean()
    power = float(centred @ centred)
    if len(scores) < 2 or power <= 0:
        return 1
    correlation = min(max(float(centred[:-1] @ centred[1:]) / power, 0.0), 1.0)
    return max(1, int(len(scores) * (1 - correlation) / (1 + correlation)))


def _solve(rising: Callable[[float], float], low: float, high: float) -> float:
    """Returns the zero of a rising function between two points, by bisection."""
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        if rising(middle) < 0:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def _binomial_cdf(count: int, total: int, p: float) -> float:
    if p <= 0 or p >= 1:
        return 1.0 if p <= 0 or count >= total else 0.0
    log_p, log_q = math.log(p), math.log1p(-p)
    terms = (
        math.lgamma(total + 1) - math.lgamma(k + 1) - math.lgamma(total - k + 1) + k * log_p + (total - k) * log_q
        for k in range(count + 1)
    )
    return min(1.0, math.fsum(math.exp(term) for term in terms))


def _poisson_cdf(count: int, mean: float) -> float:
    if mean <= 0:
        return 1.0
    log_mean = math.log(mean)
    return min(1.0, math.fsum(math.exp(k * log_mean - mean - math.lgamma(k + 1)) for k in range(count + 1)))


def _duration(time_ns: int) -> str:
    seconds = time_ns / 1e9
    if seconds < 120:
        return f"{seconds:.1f} s"
    return f"{seconds / 60:.1f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"
