"""Event rules: hysteresis with minimum times, in frame time.

A rule says ENTERED once when its label's score has been high for long enough, EXITED once when it has been low for long
enough. Between the thresholds nothing changes, which is what keeps a wavering score from flapping.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto

from framewatch_core.errors import InvalidRule, check_limit
from framewatch_core.labels import MAX_NAME_CHARS
from framewatch_core.scoring import LabelScore, ScoreKind

NS_PER_S = 1_000_000_000
DEFAULT_MAX_FRAME_GAP_NS = 10 * NS_PER_S
MAX_TRAIL_COUNT = 1000


class EventKind(Enum):
    """What happened."""

    ENTERED = auto()
    EXITED = auto()
    SUSPENDED = auto()
    RESUMED = auto()


@dataclass(frozen=True, slots=True)
class EventRule:
    """When to say that a label has appeared and gone.

    Attributes:
        label: name of a label of the set.
        enter_at: a score of at least this counts towards ENTERED; in (0, 1].
        exit_below: a score of less than this counts towards EXITED; in (0, enter_at]; None: enter_at.
        min_present_ns: how long the score must have been at least enter_at, first to last frame; 0: one frame will do.
        min_absent_ns: how long it must have been less than exit_below; 0: one frame is enough.
        score: the score looked at.
        id: names the rule in its events; empty: the label.
        region: id of the region looked at; empty: the whole frame.
        cooldown_ns: for how long after EXITED no ENTERED is said; 0: not at all.
        smoothing_ns: half-life of the exponential smoothing of the score; 0: none.
        trail_count: how many scores events tell that led to them; 0 to 1000.

    Raises:
        InvalidRule, LimitExceeded: with the field's path below the rule.

    """

    label: str
    enter_at: float
    exit_below: float | None = None
    min_present_ns: int = 0
    min_absent_ns: int = 0
    score: ScoreKind = ScoreKind.PROBABILITY
    id: str = ""
    region: str = ""
    cooldown_ns: int = 0
    smoothing_ns: int = 0
    trail_count: int = 0

    def __post_init__(self) -> None:
        if not self.label:
            raise InvalidRule("the rule names no label: give the name of a label of the set", "label")
        check_limit("the rule's id", limit="max_name_chars", maximum=MAX_NAME_CHARS, actual=len(self.id), field="id")
        if not 0 < self.enter_at <= 1:
            raise InvalidRule(f"enter_at is {self.enter_at:g}: expected more than 0 and at most 1", "enter_at")
        if self.exit_below is not None and not 0 < self.exit_below <= self.enter_at:
            raise InvalidRule(
                f"exit_below is {self.exit_below:g}: expected more than 0 and at most enter_at ({self.enter_at:g})",
                "exit_below",
            )
        check_limit(
            "the trail", limit="max_trail_count", maximum=MAX_TRAIL_COUNT, actual=self.trail_count, field="trail_count"
        )
        for name in ("min_present", "min_absent", "cooldown", "smoothing"):
            if (time_ns := getattr(self, f"{name}_ns")) < 0:
                raise InvalidRule(f"{name} is {time_ns / NS_PER_S:g} s: expected 0 or more", name)

    @property
    def name(self) -> str:
        """What events call the rule."""
        return self.id or self.label

    @property
    def exit_threshold(self) -> float:
        """The score below which frames count towards EXITED."""
        return self.enter_at if self.exit_below is None else self.exit_below


@dataclass(frozen=True, slots=True)
class Moment:
    """A frame's number and its time in nanoseconds since the stream's origin."""

    frame_id: int
    time_ns: int


@dataclass(frozen=True, slots=True)
class RuleEvent:
    """What a rule saw.

    Attributes:
        kind: what happened.
        rule: the rule.
        at: the frame that completed it.
        began: the first frame of the run that satisfied the rule; for EXITED, of the absence.
        score: of the frame that completed it.
        peak: the highest score since it began (ENTERED), while it was present (EXITED).
        present_ns: EXITED: from ENTERED's `began` to this one's; else None.

    """

    kind: EventKind
    rule: EventRule
    at: Moment
    began: Moment
    score: float
    peak: float
    present_ns: int | None = None


@dataclass(slots=True)
class _Run:
    """Frames in a row that speak for a change: the first, how long they held, and their highest score."""

    began: Moment
    peak: float
    held_ns: int = 0

    def extend(self, elapsed_ns: int, score: float) -> None:
        self.held_ns += elapsed_ns
        self.peak = max(self.peak, score)


class RuleState:
    """One rule's view of one stream."""

    def __init__(self, rule: EventRule) -> None:
        self.rule = rule
        self._run: _Run | None = None
        self._present_since: Moment | None = None
        self._peak = 0.0

    @property
    def present(self) -> bool:
        """Whether ENTERED was said and EXITED was not yet."""
        return self._present_since is not None

    def update(self, at: Moment, elapsed_ns: int, score: float) -> RuleEvent | None:
        """Takes the next scored frame.

        Args:
            at: the frame; later than all before it.
            elapsed_ns: time since the scored frame before that counts towards minimum times; 0 for the first.
            score: finite, of the rule's kind.

        """
        if self._present_since is None:
            return self._update_absent(at, elapsed_ns, score)
        return self._update_present(at, elapsed_ns, score, self._present_since)

    def _update_absent(self, at: Moment, elapsed_ns: int, score: float) -> RuleEvent | None:
        run = self._follow(score >= self.rule.enter_at, at, elapsed_ns, score)
        if run is None or run.held_ns < self.rule.min_present_ns:
            return None
        self._run, self._present_since, self._peak = None, run.began, run.peak
        return RuleEvent(EventKind.ENTERED, self.rule, at, run.began, score, run.peak)

    def _update_present(self, at: Moment, elapsed_ns: int, score: float, since: Moment) -> RuleEvent | None:
        self._peak = max(self._peak, score)
        run = self._follow(score < self.rule.exit_threshold, at, elapsed_ns, score)
        if run is None or run.held_ns < self.rule.min_absent_ns:
            return None
        self._run, self._present_since = None, None
        present_ns = run.began.time_ns - since.time_ns
        return RuleEvent(EventKind.EXITED, self.rule, at, run.began, score, self._peak, present_ns)

    def _follow(self, satisfied: bool, at: Moment, elapsed_ns: int, score: float) -> _Run | None:
        if not satisfied:
            self._run = None
        elif self._run is None:
            self._run = _Run(at, score)
        else:
            self._run.extend(elapsed_ns, score)
        return self._run


class RuleBook:
    """All rules of a stream.

    A gap of more than `max_frame_gap_ns` between scored frames does not count towards minimum times: nobody looked.
    """

    def __init__(self) -> None:
        self._states: dict[object, RuleState] = {}
        self._max_frame_gap_ns = DEFAULT_MAX_FRAME_GAP_NS
        self._last_ns: int | None = None

    def configure(self, rules: Mapping[object, EventRule], max_frame_gap_ns: int) -> None:
        """Takes new rules, in order. One under the same key (all that makes it the same) keeps its state."""
        self._states = {key: self._states.get(key) or RuleState(rule) for key, rule in rules.items()}
        self._max_frame_gap_ns = max_frame_gap_ns

    def update(
        self, at: Moment, scores: Mapping[str, Sequence[LabelScore]], held: Collection[str] = ()
    ) -> list[RuleEvent]:
        """Takes the scores of the next frame; returns the events that it completes, in the rules' order.

        Args:
            at: the frame; later than all before it.
            scores: of every region that a rule names, by its id.
            held: regions whose rules don't see this frame.

        """
        elapsed_ns = 0 if self._last_ns is None else at.time_ns - self._last_ns
        if elapsed_ns > self._max_frame_gap_ns:
            elapsed_ns = 0
        self._last_ns = at.time_ns
        by_label = {region: {score.label: score for score in seen} for region, seen in scores.items()}
        updates = (
            state.update(at, elapsed_ns, by_label[state.rule.region][state.rule.label].value(state.rule.score))
            for state in self._states.values()
            if state.rule.region not in held
        )
        return [event for event in updates if event is not None]
