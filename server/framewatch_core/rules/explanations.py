"""Explanations: how near a rule is to its next event, what holds it back, and advice."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto

from framewatch_core.quoting import quoted
from framewatch_core.rules.events import Event, EventKind
from framewatch_core.rules.rule import EventRule
from framewatch_core.rules.state import Run
from framewatch_core.time import NS_PER_S, Moment

_NS_PER_MS = NS_PER_S // 1000


class HeldBackBy(Enum):
    """Reasons why a rule has not emitted its next event; see `HeldBackBy` in the .proto."""

    NO_FRAMES = auto()
    THRESHOLD = auto()
    MIN_TIME = auto()
    COOLDOWN = auto()
    SUSPENDED = auto()
    SPARSE_FRAMES = auto()


@dataclass(slots=True)
class Progress:
    """Scores and runs of a rule since its last event, since it was edited, or since its first frame.

    It observes and decides nothing: without it every event would be the same.

    Attributes:
        next_kind: kind of the rule's next event, ENTERED or EXITED.
        since: the frame that completed the last event; None: there was none.
        score: the rule's last score, smoothed; right after an event the event's; None: there was no frame.
        frame_count: frames since then that were not held.
        nearest_score: the highest score of these frames (ENTERED) or the lowest (EXITED); undefined without a frame.
        nearest: the first frame that had it; None: no frame.
        longest_counted_ns: the longest time that a run counted; None: there was no run.
        longest_possible_ns: the same if gaps in runs and right after them counted too.
        held_since: the first of the held frames that came last; None: the last frame was not held.
        run_began_ns, run_last_ns: times of the first and last frame of the run under way; None: there is none.
        is_edited: True if the rule, its label or its region was edited since: frames count from then on.

    """

    next_kind: EventKind = EventKind.ENTERED
    since: Moment | None = None
    score: float | None = None
    frame_count: int = 0
    nearest_score: float = 0.0
    nearest: Moment | None = None
    longest_counted_ns: int | None = None
    longest_possible_ns: int = 0
    held_since: Moment | None = None
    run_began_ns: int | None = None
    run_last_ns: int = 0
    is_edited: bool = False

    @classmethod
    def after(cls, event: Event) -> Progress:
        """Begins anew with an event."""
        next_kind = EventKind.EXITED if event.kind is EventKind.ENTERED else EventKind.ENTERED
        return cls(next_kind, event.at, event.score)

    def anew(self) -> Progress:
        """Returns a progress that counts from now on, under edited settings."""
        return Progress(self.next_kind, self.since, self.score, held_since=self.held_since, is_edited=True)

    def hold(self, at: Moment) -> None:
        """Takes a held frame."""
        if self.held_since is None:
            self.held_since, self.run_began_ns = at, None

    def observe(self, at: Moment, score: float, run: Run | None, max_frame_gap_ns: int) -> None:
        """Takes a frame that completed no event, with the state's score and run after it."""
        self.frame_count += 1
        self.score = score
        self.held_since = None
        nearest = self.nearest_score
        is_nearer = score > nearest if self.next_kind is EventKind.ENTERED else score < nearest
        if is_nearer or self.nearest is None:
            self.nearest_score, self.nearest = score, at
        if run is not None:
            if self.longest_counted_ns is None or run.counted_ns > self.longest_counted_ns:
                self.longest_counted_ns = run.counted_ns
            self.run_began_ns, self.run_last_ns = run.began.time_ns, at.time_ns
            self.longest_possible_ns = max(self.longest_possible_ns, at.time_ns - run.began.time_ns)
        elif self.run_began_ns is not None:
            if at.time_ns - self.run_last_ns > max_frame_gap_ns:
                self.longest_possible_ns = max(self.longest_possible_ns, at.time_ns - self.run_began_ns)
            self.run_began_ns = None


@dataclass(frozen=True, slots=True)
class RuleExplanation:
    """Distance of a rule to its next event, since its last one or its first frame; see the .proto.

    Attributes:
        rule_id: id of the rule.
        label: the rule's label.
        region_id: id of the rule's region; empty for the whole frame.
        next_kind: the event that it waits for; None: a kind of a later version that this one does not know.
        frame_count: scored frames that were not held.
        score: the last score, smoothed if the rule smooths; None: no frame of the stream had one.
        nearest_score: the highest score when it waits for ENTERED, the lowest when it waits for EXITED; None: there
            was no frame since its last event.
        nearest: the frame that had it.
        threshold: the score that is needed.
        longest_held_ns: the longest time for which scores were past the threshold without interruption.
        needed_ns: the time that is needed.
        held_back_by: what holds it back; None: a reason of a later version that this one does not know.
        message: the same as a sentence for people, with advice.

    """

    rule_id: str
    label: str
    region_id: str
    next_kind: EventKind | None
    frame_count: int
    score: float | None
    nearest_score: float | None
    nearest: Moment | None
    threshold: float
    longest_held_ns: int
    needed_ns: int
    held_back_by: HeldBackBy | None
    message: str

    @property
    def nearest_frame_id(self) -> int | None:
        """Number of the frame with `nearest_score`; None: there is none."""
        return None if self.nearest is None else self.nearest.frame_id

    @property
    def nearest_time_s(self) -> float | None:
        """Frame time of that frame, in seconds; None: there is none."""
        return None if self.nearest is None else self.nearest.time_s

    @property
    def longest_held_s(self) -> float:
        """The longest time for which scores were past the threshold, in seconds."""
        return self.longest_held_ns / NS_PER_S

    @property
    def needed_s(self) -> float:
        """The time that is needed, in seconds."""
        return self.needed_ns / NS_PER_S


def explain(rule: EventRule, progress: Progress, max_frame_gap_ns: int) -> RuleExplanation:
    """Explains where a rule stands. `max_frame_gap_ns`: the stream's."""
    held_back_by, message = _held_back_by(rule, progress, max_frame_gap_ns)
    return RuleExplanation(
        rule_id=rule.name,
        label=rule.label,
        region_id=rule.region_id,
        next_kind=progress.next_kind,
        frame_count=progress.frame_count,
        score=progress.score,
        nearest_score=None if progress.nearest is None else progress.nearest_score,
        nearest=progress.nearest,
        threshold=_threshold(rule, progress),
        longest_held_ns=progress.longest_counted_ns or 0,
        needed_ns=_needed_ns(rule, progress),
        held_back_by=held_back_by,
        message=message,
    )


def _held_back_by(rule: EventRule, progress: Progress, max_frame_gap_ns: int) -> tuple[HeldBackBy, str]:
    """Returns what holds the rule back, and the sentence for people."""
    if progress.held_since is not None:
        return HeldBackBy.SUSPENDED, _suspended(progress, progress.held_since)
    if progress.nearest is None:
        return HeldBackBy.NO_FRAMES, _no_frames(progress)
    held_ns, needed_ns = progress.longest_counted_ns, _needed_ns(rule, progress)
    if held_ns is None:
        too_far = _too_low if progress.next_kind is EventKind.ENTERED else _too_high
        return HeldBackBy.THRESHOLD, too_far(rule, progress.nearest_score, progress.nearest)
    held = _held(rule, progress, held_ns)
    if progress.since is not None and held_ns >= needed_ns:
        return HeldBackBy.COOLDOWN, held + _in_cooldown(rule, progress.since)
    if progress.longest_possible_ns >= needed_ns:
        return HeldBackBy.SPARSE_FRAMES, held + _too_sparse(progress, needed_ns, max_frame_gap_ns)
    return HeldBackBy.MIN_TIME, held + _too_short(rule, progress, held_ns, needed_ns)


def _threshold(rule: EventRule, progress: Progress) -> float:
    return rule.enter_at if progress.next_kind is EventKind.ENTERED else rule.exit_threshold


def _needed_ns(rule: EventRule, progress: Progress) -> int:
    return rule.min_present_ns if progress.next_kind is EventKind.ENTERED else rule.min_absent_ns


def _suspended(progress: Progress, since: Moment) -> str:
    return (
        f"Its frames have been held since {_frame(since)}, because of pictures that can't be trusted. After them, the "
        f"rule goes on as it was, waiting for {progress.next_kind.name}."
    )


def _no_frames(progress: Progress) -> str:
    if progress.is_edited:
        return "No frame has been scored since the rule was edited."
    if progress.since is None:
        return "No frame has been scored since the rule was given."
    return f"No frame has been scored since its last event, {_frame(progress.since)}."


def _too_low(rule: EventRule, highest: float, at: Moment) -> str:
    # rounded away from the threshold, so that a score that is not enough never reads as enough; the same in _too_high
    shown = _decimals(highest, math.floor)
    lower = f"an enter_at of {shown:g} or less, or " if shown > 0 else ""
    return (
        f"The {_score(rule)} was {shown:g} at most ({_frame(at)}); ENTERED needs at least {rule.enter_at:g}. If "
        f"{quoted(rule.label)} was there, try {lower}better prompts or examples."
    )


def _too_high(rule: EventRule, lowest: float, at: Moment) -> str:
    shown = _decimals(lowest, math.ceil)
    higher = f"an exit_below above {shown:g}, or " if shown < 1 else ""
    if shown >= rule.enter_at:
        higher = higher.replace(", or ", " with a higher enter_at, or ")
    return (
        f"The {_score(rule)} was {shown:g} at least ({_frame(at)}); EXITED needs less than {rule.exit_threshold:g}. If "
        f"{quoted(rule.label)} was gone, try {higher}better prompts or examples."
    )


def _held(rule: EventRule, progress: Progress, held_ns: int) -> str:
    side = "at least" if progress.next_kind is EventKind.ENTERED else "less than"
    threshold = _threshold(rule, progress)
    return f"The {_score(rule)} was {side} {threshold:g} for at most {_seconds(held_ns)} without interruption"


def _in_cooldown(rule: EventRule, exited: Moment) -> str:
    return (
        f", which is enough, but within the cooldown of {_seconds(rule.cooldown_ns)} after EXITED ({_frame(exited)}). "
        "If the score stays there, ENTERED is emitted after the cooldown; for an earlier ENTERED, try a shorter "
        "cooldown."
    )


def _too_sparse(progress: Progress, needed_ns: int, max_frame_gap_ns: int) -> str:
    return (
        f": gaps between frames of more than max_frame_gap ({_seconds(max_frame_gap_ns)}) don't count. "
        f"{progress.next_kind.name} needs {_seconds(needed_ns)}. Send frames more often, or try a longer max_frame_gap "
        f"or a shorter {_time_name(progress)}."
    )


def _too_short(rule: EventRule, progress: Progress, held_ns: int, needed_ns: int) -> str:
    shorter = f"a {_time_name(progress)} of {_seconds(held_ns)} or less"
    wavering = "" if rule.smoothing_ns else ", or smoothing if the score wavers"
    return f"; {progress.next_kind.name} needs {_seconds(needed_ns)}. Try {shorter}{wavering}."


def _time_name(progress: Progress) -> str:
    return "min_present" if progress.next_kind is EventKind.ENTERED else "min_absent"


def _score(rule: EventRule) -> str:
    return f"{'smoothed ' if rule.smoothing_ns else ''}{rule.score_kind.name.lower()} of {quoted(rule.label)}"


def _frame(moment: Moment) -> str:
    return f"frame {moment.frame_id} at {_seconds(moment.time_ns)}"


def _decimals(score: float, rounding: Callable[[float], int]) -> float:
    """Rounds to three decimals; without the error of floats (0.579 * 1000 is 578.99…)."""
    return rounding(round(score * 1000, 6)) / 1000


def _seconds(time_ns: int) -> str:
    """Returns whole milliseconds, rounded down, as seconds without trailing zeros."""
    return f"{time_ns // _NS_PER_MS / 1000:.3f}".rstrip("0").rstrip(".") + " s"
