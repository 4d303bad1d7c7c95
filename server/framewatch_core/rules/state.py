"""State of one rule in one stream: hysteresis with minimum times, smoothing and cooldown, in frame time.

Nothing here knows of explanations: they observe a state and decide nothing.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace

from framewatch_core.labels.label_scores import ScoresByLabel
from framewatch_core.rules.events import TRAIL_POINT_BYTES, Event, EventKind, EventTrail, ExitReason, TrailPoint
from framewatch_core.rules.rule import EventRule
from framewatch_core.time import Moment

_STATE_BYTES = 3_500


@dataclass(slots=True)
class Run:
    """Frames in a row that are past the threshold of the rule's next event.

    Attributes:
        began: the first frame; the event's `began`.
        peak: the highest score of the frames; the `peak` of ENTERED.
        sparse: True if there was a gap right before the run or in it.
        counted_ns: time from the first frame to the last without gaps; compared with the minimum time.

    """

    began: Moment
    peak: float
    sparse: bool
    counted_ns: int = 0


@dataclass(slots=True)
class _Presence:
    """The time from ENTERED to EXITED.

    Attributes:
        began: `began` of ENTERED; EXITED's `present_ns` is counted from it.
        peak: the highest score since then; the `peak` of EXITED.

    """

    began: Moment
    peak: float


class RuleState:
    """State machine of one rule.

    A state is what two attributes are together, so no combination is impossible:

        ========  ========  ====
        state     presence  run
        ========  ========  ====
        absent    no        no
        entering  no        yes
        present   yes       no
        exiting   yes       yes
        ========  ========  ====

    Every frame takes the transition that applies, and a second one if that applies too (with a minimum time of 0 a
    run's first frame completes it):

        ========  =========================================================  ========  =======
        from      if                                                         to        event
        ========  =========================================================  ========  =======
        absent    the score is at least enter_at                             entering
        entering  the score is less than enter_at, or the frame is held      absent
        entering  the run counts min_present, and the cooldown is over       present   ENTERED
        present   the score is less than exit_below                          exiting
        exiting   the score is at least exit_below, or the frame is held     present
        exiting   the run counts min_absent                                  absent    EXITED
        ========  =========================================================  ========  =======

    Held is no state of its own: a held frame ends a run and lets smoothing start anew; presence and cooldown go on.

    Attributes:
        rule: the rule; never changes: an edited one gets a state of its own by `under`.
        run: the run under way: its length decides on the next event.
        score: score of the last frame that was not held, after smoothing; the next one is smoothed with it.

    """

    def __init__(self, rule: EventRule) -> None:
        self.rule = rule
        self.run: Run | None = None
        self.score = 0.0
        # there is an ENTERED without its EXITED: the next event is EXITED
        self._presence: _Presence | None = None
        # time of the frame that completed the last EXITED: the cooldown counts from it
        self._exited_ns: int | None = None
        # time of the last frame that was not held: the next frame's gap counts from it
        self._last_ns: int | None = None
        # smoothing starts anew with the next frame
        self._starts_anew = True
        # the last scores, for the events' trails; None: the rule wants none
        self._trail = deque[TrailPoint](maxlen=rule.trail_count) if rule.trail_count else None

    @property
    def is_present(self) -> bool:
        """True if there is an ENTERED without its EXITED."""
        return self._presence is not None

    def under(self, rule: EventRule) -> RuleState:
        """Returns a state that goes on from this one under an edited rule, of the same label, region and kind of score.

        What was emitted stays, so the next event is of the same kind, and so does the last score. A run under way ends
        if its frames may not be past the new threshold.
        """
        edited = RuleState(rule)
        edited.score, edited._starts_anew = self.score, self._starts_anew
        edited._exited_ns, edited._last_ns = self._exited_ns, self._last_ns
        edited._presence = None if self._presence is None else replace(self._presence)
        if self.run is not None and self._runs_on_under(rule):
            edited.run = replace(self.run)
        if self._trail is not None and edited._trail is not None:
            edited._trail.extend(self._trail)
        return edited

    def _runs_on_under(self, rule: EventRule) -> bool:
        if rule.smoothing_ns != self.rule.smoothing_ns:
            return False
        if self._presence is None:
            return rule.enter_at <= self.rule.enter_at
        return rule.exit_threshold >= self.rule.exit_threshold

    def leave(self, at: Moment) -> Event | None:
        """Returns the EXITED of a rule that is no more, with the first frame without it; None: it was not present."""
        presence, self._presence, self.run = self._presence, None, None
        if presence is None:
            return None
        rule = self.rule
        return Event(
            kind=EventKind.EXITED,
            rule_id=rule.name,
            label=rule.label,
            region_id=rule.region_id,
            at=at,
            began=at,
            score=self.score,
            peak_score=presence.peak,
            present_ns=at.time_ns - presence.began.time_ns,
            exit_reason=ExitReason.RECONFIGURED,
        )

    @property
    def byte_count(self) -> int:
        """Bytes that the state takes at most with its rule, its place in a book and its progress."""
        rule = self.rule
        texts = sum(80 + 4 * len(text) for text in (rule.id, rule.label, rule.region_id))
        return _STATE_BYTES + texts + TRAIL_POINT_BYTES * (0 if self._trail is None else len(self._trail))

    def hold(self) -> None:
        """Takes a held frame."""
        self.run = None
        self._starts_anew = True

    def update(self, at: Moment, scores: ScoresByLabel, max_frame_gap_ns: int) -> Event | None:
        """Takes a scored frame; returns the event that it completes.

        Args:
            at: the frame; not earlier than those before it.
            scores: those of the labels, the rule's own among them; finite.
            max_frame_gap_ns: a longer time since the last frame that was not held is a gap and does not count.

        """
        rule = self.rule
        raw = scores.value(rule.label, rule.score_kind)
        elapsed_ns = 0 if self._last_ns is None else at.time_ns - self._last_ns
        is_gap = elapsed_ns > max_frame_gap_ns
        self._last_ns = at.time_ns
        self.score = score = self._smooth(raw, elapsed_ns, is_gap) if rule.smoothing_ns else raw
        if self._trail is not None:
            self._trail.append(TrailPoint(at, raw, score))
        presence = self._presence
        if presence is None:
            past = score >= rule.enter_at
        else:
            past = score < rule.exit_threshold
            if score > presence.peak:  # noqa: PLR1730 (max() takes a fifth of this method's time)
                presence.peak = score
        if not past:
            self.run = None
            return None
        run = self._extend_run(at, elapsed_ns, is_gap)
        return self._enter(run, at, scores) if presence is None else self._exit(run, presence, at, scores)

    def _smooth(self, raw: float, elapsed_ns: int, is_gap: bool) -> float:
        """Returns the exponential average whose memory halves every `smoothing_ns`, whatever the frame times.

        Each score counts for the time since the frame before it: a frame at the same time as that one has no weight.
        """
        if self._starts_anew or is_gap:
            self._starts_anew = False
            return raw
        memory: float = 2.0 ** (-elapsed_ns / self.rule.smoothing_ns)
        # in this form a constant score stays the same to the bit, so that it is at least a threshold that it equals
        return raw + memory * (self.score - raw)

    def _extend_run(self, at: Moment, elapsed_ns: int, is_gap: bool) -> Run:
        run = self.run
        if run is None:
            run = self.run = Run(at, self.score, sparse=is_gap)
            return run
        if is_gap:
            run.sparse = True
        else:
            run.counted_ns += elapsed_ns
        run.peak = max(run.peak, self.score)
        return run

    def _enter(self, run: Run, at: Moment, scores: ScoresByLabel) -> Event | None:
        """Makes entering present, if the run is long enough and the cooldown is over."""
        if run.counted_ns < self.rule.min_present_ns or self._is_cooling_down(at):
            return None
        self.run, self._presence = None, _Presence(run.began, run.peak)
        return self._event(EventKind.ENTERED, run, at, scores, run.peak)

    def _exit(self, run: Run, presence: _Presence, at: Moment, scores: ScoresByLabel) -> Event | None:
        """Makes exiting absent, if the run is long enough."""
        if run.counted_ns < self.rule.min_absent_ns:
            return None
        self.run, self._presence, self._exited_ns = None, None, at.time_ns
        present_ns = run.began.time_ns - presence.began.time_ns
        return self._event(EventKind.EXITED, run, at, scores, presence.peak, present_ns)

    def _event(
        self,
        kind: EventKind,
        run: Run,
        at: Moment,
        scores: ScoresByLabel,
        peak_score: float,
        present_ns: int | None = None,
    ) -> Event:
        rule = self.rule
        return Event(
            kind=kind,
            rule_id=rule.name,
            label=rule.label,
            region_id=rule.region_id,
            at=at,
            began=run.began,
            score=self.score,
            peak_score=peak_score,
            present_ns=present_ns,
            sparse=run.sparse,
            trail=self._event_trail(scores),
            exit_reason=ExitReason.ABSENT if kind is EventKind.EXITED else None,
        )

    def _is_cooling_down(self, at: Moment) -> bool:
        return self._exited_ns is not None and at.time_ns - self._exited_ns < self.rule.cooldown_ns

    def _event_trail(self, scores: ScoresByLabel) -> EventTrail | None:
        if self._trail is None:
            return None
        rule = self.rule
        return EventTrail(tuple(self._trail), scores.best_except(rule.label), rule.enter_at, rule.exit_threshold)
