"""A rule from recorded scores with stretches in which its label is there and stretches in which it is not.

Thresholds and estimates come from the same material, so the estimates are optimistic: they are about the material that
the rule was made from. With two appearances or more, `Calibration.held_out` estimates rules made without a stretch on
that stretch. Either way the counts are small; the estimates' intervals show how much that matters.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from framewatch_core.arrays import BoolArray, Float64Array, Int64Array
from framewatch_core.calibration.estimates import Estimate, roc_auc_estimate
from framewatch_core.calibration.intervals import Interval
from framewatch_core.calibration.material import Material
from framewatch_core.calibration.tally import EventEstimates, Tally, tally_events
from framewatch_core.calibration.thresholds import (
    Placement,
    Separation,
    from_axis,
    place,
    place_above,
    place_at,
    search_range,
    separation,
    to_axis,
)
from framewatch_core.labels.scoring import LabelScore, ScoreKind
from framewatch_core.rules.events import Event
from framewatch_core.rules.replay import RecordedFrame, replay
from framewatch_core.rules.rule import DEFAULT_MAX_FRAME_GAP_NS, EventRule
from framewatch_core.time import NS_PER_S, Moment

# A minute of frames is worth some 20 independent ones (`estimates.effective_count`): too few for smaller differences.
AUC_TIE = 0.02
# Smoothing costs delay: it has to separate overlapping scores by this much better.
SMOOTHING_GAIN = 0.01
SMOOTHING_FRAME_GAPS = (2, 4, 8)
# Shorter presences and absences are a broken picture or a flicker.
LEAST_MIN_TIME_NS = NS_PER_S // 5
LEAST_MIN_TIME_FRAME_GAPS = 2
# A minimum time is longer than the longest false run, but not so long that a short appearance is missed.
FALSE_RUN_FACTOR = 1.5
MOST_OF_STRETCH = 0.25
# Number of values of enter_at that are tried where classes overlap.
SEARCH_STEPS = 48
_MILLISECOND_NS = 1_000_000


@dataclass(frozen=True, slots=True, eq=False)
class Histogram:
    """Distributions of scores.

    Attributes:
        edges: scores, `[bins + 1]`, evenly spaced on the axis of `thresholds.to_axis`.
        axis_edges: the same on that axis.
        present, absent: frames in each bin, `[bins]`.

    """

    edges: Float64Array
    axis_edges: Float64Array
    present: Int64Array
    absent: Int64Array


@dataclass(frozen=True, slots=True, eq=False)
class Calibration:
    """A rule and its grounds.

    Attributes:
        rule: with the kind of score that separates best.
        placement: its thresholds among the scores.
        searched: True if the thresholds were found by replaying rules over the material, since its classes overlap or
            the events of the thresholds between them were wrong.
        separations: of every kind of score over the stretches' inner frames; empty with background only.
        frame_auc: ROC AUC over frames of the rule's score, smoothed as in the rule; None with background only.
        estimates: of the rule's events on the material that it was made from; optimistic.
        held_out: of rules made without a stretch, on that stretch; None with fewer than two appearances.
        events: of the rule over the whole material.
        material: that it was made from.
        scores: the rule's score of every frame, smoothed as in the rule, `[n]`.

    """

    rule: EventRule
    placement: Placement
    searched: bool
    separations: Mapping[ScoreKind, Separation]
    frame_auc: Estimate | None
    estimates: EventEstimates
    held_out: EventEstimates | None
    events: tuple[Event, ...]
    material: Material
    scores: Float64Array

    def histogram(self, bin_count: int) -> Histogram:
        """Returns the distributions of the rule's score in present and absent stretches."""
        kind = self.rule.score_kind
        places = to_axis(kind, self.scores)
        classes = [places[self.material.frames_in(s)] for s in (self.material.present, self.material.absent)]
        low, high = float(places.min()), float(places.max())
        axis_edges = np.linspace(low, max(high, low + 1e-6), bin_count + 1)
        present, absent = (np.histogram(values, axis_edges)[0].astype(np.int64) for values in classes)
        edges = np.array([from_axis(kind, edge) for edge in axis_edges])
        return Histogram(edges, axis_edges, present, absent)


def calibrate(
    material: Material,
    label: str,
    *,
    region_id: str = "",
    rule_id: str = "",
) -> Calibration:
    """Returns the rule that fits the material; see `thresholds` for the method, and the module about the estimates.

    The kind of score is the one with the highest AUC over the stretches' inner frames; of those within AUC_TIE of it
    presence, which does not depend on the other labels of the set, unless another has twice its margin; else the one
    with the widest margin.

    Args:
        material: scores and known stretches.
        label: the rule's.
        region_id: the rule's.
        rule_id: the rule's.

    Raises:
        InvalidMaterial, InvalidRule.

    """
    fitter = _Fitter(label, region_id, rule_id)
    separations = _separations(material)
    fit = fitter.fit(material)
    present, absent = (fit.scores[material.frames_in(stretches)] for stretches in (material.present, material.absent))
    events = fitter.replay(material, [fit.rule])
    return Calibration(
        rule=fit.rule,
        placement=fit.placement,
        searched=fit.searched,
        separations=separations,
        frame_auc=roc_auc_estimate(present, absent) if material.present else None,
        estimates=tally_events(events, material.present, material.absent).estimates,
        held_out=fitter.held_out(material),
        events=tuple(events),
        material=material,
        scores=fit.scores,
    )


def smooth(scores: Float64Array, times_ns: Int64Array, half_life_ns: int) -> Float64Array:
    """Smooths exponentially, as rules do: the past's weight halves every half-life, whatever the frame times.

    After a gap of more than DEFAULT_MAX_FRAME_GAP_NS it begins anew. A half-life of 0 smooths nothing.
    """
    if half_life_ns == 0:
        return scores
    smoothed = scores.copy()
    elapsed = np.diff(times_ns)
    memories = np.where(elapsed > DEFAULT_MAX_FRAME_GAP_NS, 0.0, np.exp2(-elapsed / half_life_ns))
    for i, memory in enumerate(memories.tolist(), 1):
        smoothed[i] = scores[i] + memory * (smoothed[i - 1] - scores[i])
    return smoothed


@dataclass(frozen=True, slots=True, eq=False)
class _Fit:
    rule: EventRule
    placement: Placement
    searched: bool
    scores: Float64Array
    f1: float


@dataclass(frozen=True, slots=True)
class _Fitter:
    """Makes rules of one label in one region."""

    label: str
    region_id: str
    rule_id: str

    def fit(self, material: Material) -> _Fit:
        """Returns a rule without smoothing, unless smoothing separates better and its events fit as well."""
        kind = _best_kind(material)
        plain = self._fit_smoothed(material, kind, 0)
        if plain.f1 == 1 and plain.placement.separated:
            return plain
        half_life_ns = self._best_smoothing(material, kind)
        if half_life_ns == 0:
            return plain
        smoothed = self._fit_smoothed(material, kind, half_life_ns)
        return smoothed if smoothed.f1 >= plain.f1 else plain

    def _fit_smoothed(self, material: Material, kind: ScoreKind, half_life_ns: int) -> _Fit:
        scores = smooth(material.scores[kind], material.times_ns, half_life_ns)
        present, absent = (scores[material.inner_frames(s)] for s in (material.present, material.absent))
        placement = place(kind, present, absent) if material.present else place_above(kind, absent)
        rule = self._rule(material, kind, scores, placement, half_life_ns)
        fit = _Fit(rule, placement, False, scores, self._tallies(material, [rule])[0].f1)
        return fit if placement.separated and fit.f1 == 1 else self._search(material, fit)

    def _search(self, material: Material, fit: _Fit) -> _Fit:
        """Returns the thresholds whose events fit the material best; of equals the middle of the widest range."""
        kind = fit.rule.score_kind
        known = to_axis(kind, fit.scores[material.frames_in((*material.present, *material.absent))])
        steps = np.linspace(*search_range(fit.placement, known), SEARCH_STEPS + 2)[1:-1]
        placements = [place_at(kind, float(step), fit.placement) for step in steps]
        rules = [self._rule(material, kind, fit.scores, placed, fit.rule.smoothing_ns) for placed in placements]
        scores = [tally.f1 for tally in self._tallies(material, rules)]
        if fit.f1 > max(scores) or (fit.f1 == max(scores) and fit.placement.separated):
            return fit
        best = _middle_of_widest(np.array(scores) == max(scores))
        return _Fit(rules[best], placements[best], True, fit.scores, scores[best])

    def _rule(
        self, material: Material, kind: ScoreKind, scores: Float64Array, placement: Placement, smoothing_ns: int
    ) -> EventRule:
        is_high, is_low = scores >= placement.enter_at, scores < placement.exit_below
        return EventRule(
            self.label,
            enter_at=placement.enter_at,
            exit_below=placement.exit_below,
            min_present_ns=_min_time(material, is_high, material.absent, material.present),
            min_absent_ns=_min_time(material, is_low, material.present, material.absent),
            score_kind=kind,
            id=self.rule_id,
            region_id=self.region_id,
            smoothing_ns=smoothing_ns,
        )

    def _best_smoothing(self, material: Material, kind: ScoreKind) -> int:
        """Returns the half-life that separates the classes so much better that it is worth its delay; 0: none does."""
        if not material.present:
            return 0
        longest = MOST_OF_STRETCH * min(stretch.length_ns for stretch in material.present)
        best_ns, best = 0, _separations(material)[kind].auc
        for half_life_ns in (count * material.frame_gap_ns for count in SMOOTHING_FRAME_GAPS):
            if half_life_ns > longest:
                break
            scores = smooth(material.scores[kind], material.times_ns, half_life_ns)
            auc = _separations(replace(material, scores={kind: scores}))[kind].auc
            if auc >= best + SMOOTHING_GAIN:
                best_ns, best = half_life_ns, auc
        return best_ns

    def replay(self, material: Material, rules: Sequence[EventRule]) -> list[Event]:
        """Returns the rules' events over the whole material."""
        columns = [material.scores.get(kind) for kind in ScoreKind]
        rows = zip(*(np.zeros(len(material.times_ns)) if c is None else c for c in columns), strict=True)
        frames = (
            RecordedFrame(Moment(i, time_ns), {self.region_id: (LabelScore(self.label, *map(float, row)),)})
            for i, (time_ns, row) in enumerate(zip(material.times_ns.tolist(), rows, strict=True))
        )
        return replay(frames, rules)

    def _tallies(self, material: Material, rules: Sequence[EventRule]) -> list[Tally]:
        """Returns each rule's counts over the material's known stretches, from one replay."""
        numbered = [replace(rule, id=str(i)) for i, rule in enumerate(rules)]
        by_rule: list[list[Event]] = [[] for _ in rules]
        for event in self.replay(material, numbered):
            by_rule[int(event.rule_id)].append(event)
        return [tally_events(events, material.present, material.absent) for events in by_rule]

    def held_out(self, material: Material) -> EventEstimates | None:
        """Returns estimates on stretches that rules were made without, one appearance after the other.

        Each appearance is left out together with its share of the absent stretches; None: there are fewer than two.
        """
        count = len(material.present)
        if count < 2:
            return None
        total = Tally()
        for i in range(count):
            left_out = material.absent[i::count] if len(material.absent) > 1 else ()
            kept = tuple(stretch for stretch in material.absent if stretch not in left_out)
            known = replace(material, present=material.present[:i] + material.present[i + 1 :], absent=kept)
            events = self.replay(material, [self.fit(known).rule])
            total += tally_events(events, material.present[i : i + 1], left_out)
        return total.estimates


def _separations(material: Material) -> dict[ScoreKind, Separation]:
    if not material.present:
        return {}
    is_present, is_absent = material.inner_frames(material.present), material.inner_frames(material.absent)
    return {kind: separation(kind, s[is_present], s[is_absent]) for kind, s in material.scores.items()}


def _best_kind(material: Material) -> ScoreKind:
    found = _separations(material)
    if not found:
        order = (ScoreKind.PRESENCE, ScoreKind.PROBABILITY, ScoreKind.SIMILARITY)
        return next(kind for kind in order if kind in material.scores)
    best_auc = max(separation.auc for separation in found.values())
    tied = [kind for kind, separation in found.items() if separation.auc >= best_auc - AUC_TIE]
    widest = max(tied, key=lambda kind: found[kind].margin)
    if ScoreKind.PRESENCE in tied and 2 * found[ScoreKind.PRESENCE].margin >= found[widest].margin:
        return ScoreKind.PRESENCE
    return widest


def _min_time(
    material: Material, satisfied: BoolArray, false_in: Sequence[Interval], right_in: Sequence[Interval]
) -> int:
    """Returns a time beyond the longest false run and below a part of the shortest stretch in which a run is right."""
    least = LEAST_MIN_TIME_FRAME_GAPS * material.frame_gap_ns
    false_run_ns = _longest_run_ns(material, satisfied, false_in)
    needed = max(LEAST_MIN_TIME_NS, least, round(FALSE_RUN_FACTOR * false_run_ns))
    most = min((int(MOST_OF_STRETCH * stretch.length_ns) for stretch in right_in), default=needed)
    return min(needed, max(most, least)) // _MILLISECOND_NS * _MILLISECOND_NS


def _longest_run_ns(material: Material, satisfied: BoolArray, stretches: Sequence[Interval]) -> int:
    """Returns the longest run inside the stretches; at their ends, things come and go."""
    longest = 0
    for stretch in stretches:
        first, after = np.searchsorted(material.times_ns, (stretch.start_ns, stretch.end_ns))
        inside = satisfied[first:after]
        # +1 where a run begins, −1 behind its end
        edges = np.diff(np.concatenate(([0], inside.astype(np.int8), [0])))
        for begin, end in zip(np.flatnonzero(edges == 1), np.flatnonzero(edges == -1), strict=True):
            if begin > 0 and end < len(inside):
                longest = max(longest, int(material.times_ns[first + end - 1] - material.times_ns[first + begin]))
    return longest


def _middle_of_widest(wanted: BoolArray) -> int:
    """Returns the middle index of the longest run of True; there is at least one."""
    edges = np.diff(np.concatenate(([0], wanted.astype(np.int8), [0])))
    begins, ends = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
    widest = int(np.argmax(ends - begins))
    return int(begins[widest] + ends[widest] - 1) // 2
