"""Follows event rules through a stream: hysteresis with minimum times, smoothing and cooldown, in frame time.

All state is plain data that depends on nothing else: a stream that takes over from another is given its book, and a
copied or unpickled book says what the original would have said.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from framewatch_core.labels.scoring import LabelScore
from framewatch_core.rules.explanations import Progress, RuleExplanation, explain
from framewatch_core.rules.rule import DEFAULT_MAX_FRAME_GAP_NS, EventKind, EventRule, EventTrail, RuleEvent, TrailPoint
from framewatch_core.time import Moment


@dataclass(slots=True)
class _Run:
    """Frames in a row that speak for a change.

    Attributes:
        began: the first.
        peak: their highest score.
        sparse: whether there was a gap right before or among them.
        counted_ns: how long they held, without gaps.
        missed_ns: the gaps among them.

    """

    began: Moment
    peak: float
    sparse: bool
    counted_ns: int = 0
    missed_ns: int = 0

    def extend(self, elapsed_ns: int, is_gap: bool, score: float) -> None:
        if is_gap:
            self.missed_ns += elapsed_ns
            self.sparse = True
        else:
            self.counted_ns += elapsed_ns
        self.peak = max(self.peak, score)


class RuleState:
    """One rule's view of one stream."""

    def __init__(self, rule: EventRule) -> None:
        self.rule = rule
        self._present_since: Moment | None = None
        self._peak = 0.0
        self._run: _Run | None = None
        self._last_ns: int | None = None
        self._smoothed: float | None = None
        self._trail = deque[TrailPoint](maxlen=rule.trail_count) if rule.trail_count else None
        self._progress = Progress(EventKind.ENTERED)

    @property
    def present(self) -> bool:
        """Whether ENTERED was said and EXITED was not yet."""
        return self._present_since is not None

    def hold(self, at: Moment) -> None:
        """Takes a frame that the rule must not see: a run ends, smoothing starts anew, what was present stays so."""
        if self._progress.held_since is None:
            self._progress.held_since = at
            self._run = self._smoothed = None

    def update(self, at: Moment, scores: Mapping[str, LabelScore], max_frame_gap_ns: int) -> RuleEvent | None:
        """Takes the next scored frame.

        Args:
            at: the frame; not earlier than those before it.
            scores: by label, the rule's own among them; finite.
            max_frame_gap_ns: a longer time since the frame that the rule saw last does not count.

        """
        raw = scores[self.rule.label].value(self.rule.score)
        elapsed_ns = 0 if self._last_ns is None else at.time_ns - self._last_ns
        is_gap = elapsed_ns > max_frame_gap_ns
        self._last_ns = at.time_ns
        score = self._smooth(raw, elapsed_ns, is_gap) if self.rule.smoothing_ns else raw
        if self._trail is not None:
            self._trail.append(TrailPoint(at, raw, score))
        self._progress.see(at, score)
        run = self._follow(at, elapsed_ns, is_gap, score)
        if run is None:
            return None
        if self._present_since is None:
            return self._enter(run, at, score, scores)
        return self._exit(run, at, score, scores, self._present_since)

    def _smooth(self, raw: float, elapsed_ns: int, is_gap: bool) -> float:
        """An exponential average whose memory halves every `smoothing_ns`, whatever the frame times.

        Each score is taken to have held since the frame before it, so that one at the same time as that has no weight.
        """
        if self._smoothed is None or is_gap:
            self._smoothed = raw
        else:
            memory = 2.0 ** (-elapsed_ns / self.rule.smoothing_ns)
            # in this form a score that stays the same stays the same to the bit: "at least" means it
            self._smoothed = raw + memory * (self._smoothed - raw)
        return self._smoothed

    def _follow(self, at: Moment, elapsed_ns: int, is_gap: bool, score: float) -> _Run | None:
        """The run that the frame begins or goes on; None: it speaks for no change."""
        run = self._run
        if self._present_since is None:
            past = score >= self.rule.enter_at
        else:
            past = score < self.rule.exit_threshold
            self._peak = max(self._peak, score)
        if not past:
            if run is not None and is_gap:
                self._progress.hold_past_threshold(run.counted_ns, run.missed_ns + elapsed_ns)
            self._run = None
            return None
        if run is None:
            run = self._run = _Run(at, score, sparse=is_gap)
        else:
            run.extend(elapsed_ns, is_gap, score)
        self._progress.hold_past_threshold(run.counted_ns, run.missed_ns)
        return run

    def _enter(self, run: _Run, at: Moment, score: float, scores: Mapping[str, LabelScore]) -> RuleEvent | None:
        if run.counted_ns < self.rule.min_present_ns or self._cools_down(at):
            return None
        self._run, self._present_since, self._peak = None, run.began, run.peak
        self._progress = Progress(EventKind.EXITED, at, score)
        trail = self._event_trail(scores)
        return RuleEvent(EventKind.ENTERED, self.rule, at, run.began, score, run.peak, None, run.sparse, trail)

    def _exit(
        self, run: _Run, at: Moment, score: float, scores: Mapping[str, LabelScore], since: Moment
    ) -> RuleEvent | None:
        if run.counted_ns < self.rule.min_absent_ns:
            return None
        self._run, self._present_since = None, None
        self._progress = Progress(EventKind.ENTERED, at, score)
        present_ns, trail = run.began.time_ns - since.time_ns, self._event_trail(scores)
        return RuleEvent(EventKind.EXITED, self.rule, at, run.began, score, self._peak, present_ns, run.sparse, trail)

    def _cools_down(self, at: Moment) -> bool:
        exited = self._progress.since
        return exited is not None and at.time_ns - exited.time_ns < self.rule.cooldown_ns

    def _event_trail(self, scores: Mapping[str, LabelScore]) -> EventTrail | None:
        return None if self._trail is None else EventTrail(tuple(self._trail), _runner_up(self.rule.label, scores))

    def explain(self, max_frame_gap_ns: int) -> RuleExplanation:
        """How near the rule is to its next event."""
        return explain(self.rule, self._progress, max_frame_gap_ns)


def _runner_up(label: str, scores: Mapping[str, LabelScore]) -> LabelScore | None:
    others = (score for score in scores.values() if score.label != label)
    return max(others, key=lambda score: score.probability, default=None)


class RuleBook:
    """All rules of a stream.

    A gap of more than `max_frame_gap_ns` between frames that a rule saw does not count towards minimum times: nobody
    looked.
    """

    def __init__(self) -> None:
        self._states: dict[object, RuleState] = {}
        self._regions: frozenset[str] = frozenset()
        self._max_frame_gap_ns = DEFAULT_MAX_FRAME_GAP_NS

    def configure(self, rules: Mapping[object, EventRule], max_frame_gap_ns: int) -> None:
        """Takes new rules, in order. One under the same key (all that makes it the same) keeps its state."""
        self._states = {key: self._states.get(key) or RuleState(rule) for key, rule in rules.items()}
        self._regions = frozenset(rule.region for rule in rules.values())
        self._max_frame_gap_ns = max_frame_gap_ns

    @property
    def regions(self) -> frozenset[str]:
        """Ids of the regions that rules look at."""
        return self._regions

    def update(
        self, at: Moment, scores: Mapping[str, Sequence[LabelScore]], held: Collection[str] = ()
    ) -> list[RuleEvent]:
        """Takes the scores of the next frame; returns the events that it completes, in the rules' order.

        Args:
            at: the frame; not earlier than those before it.
            scores: for each region's id the scores of all labels; the whole frame's id is "". Rules of a region that is
                missing don't see the frame.
            held: ids of regions whose picture can't be trusted: their rules don't see the frame either.

        Raises:
            InvalidRule: a rule looks at a presence that the scores don't have.

        """
        by_region = {
            region: {score.label: score for score in scores[region]}
            for region in self._regions
            if region in scores and region not in held
        }
        events = []
        for state in self._states.values():
            by_label = by_region.get(state.rule.region)
            if by_label is None:
                state.hold(at)
            elif (event := state.update(at, by_label, self._max_frame_gap_ns)) is not None:
                events.append(event)
        return events

    def under(self, rules: Mapping[object, EventRule], max_frame_gap_ns: int) -> RuleBook:
        """The same states as under another config, to be looked at; this book stays as it is."""
        book = RuleBook()
        book._states = self._states
        book.configure(rules, max_frame_gap_ns)
        return book

    def explain(self) -> list[RuleExplanation]:
        """How near every rule is to its next event and what holds it back, in the rules' order."""
        return [state.explain(self._max_frame_gap_ns) for state in self._states.values()]
