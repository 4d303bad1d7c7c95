"""Explanations as tables: scores over time in, a reason and a sentence out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pytest

from framewatch_core.labels.scoring import LabelScore, ScoreKind
from framewatch_core.rules.engine import RuleBook
from framewatch_core.rules.events import EventKind
from framewatch_core.rules.explanations import HeldBackBy, RuleExplanation
from framewatch_core.rules.rule import EventRule
from framewatch_core.time import NS_PER_S, Moment

Frames = Sequence[tuple[float, float | None]]


def rule(present_s: int = 0, absent_s: int = 0, cooldown_s: int = 0, smoothing_s: int = 0) -> EventRule:
    times = present_s * NS_PER_S, absent_s * NS_PER_S
    return EventRule("box", 0.8, 0.5, *times, cooldown_ns=cooldown_s * NS_PER_S, smoothing_ns=smoothing_s * NS_PER_S)


def explanation(watched: EventRule, frames: Frames) -> RuleExplanation:
    """Returns the explanation after `frames`: (time in s, every score, None for a held frame), numbered from 1."""
    book = RuleBook()
    book.configure({0: watched}, 10 * NS_PER_S)
    for number, (time_s, value) in enumerate(frames, 1):
        shown = 0.0 if value is None else value
        held = {""} if value is None else frozenset[str]()
        book.update(Moment(number, round(time_s * NS_PER_S)), {"": [LabelScore("box", shown, shown, shown)]}, held)
    (found,) = book.explain()
    return found


def every(step_s: float, *values: float | None) -> Frames:
    return [(i * step_s, value) for i, value in enumerate(values)]


@dataclass(frozen=True)
class Case:
    id: str
    rule: EventRule
    frames: Frames
    reason: str
    message: str


CASES = [
    Case("no frame", rule(), [], "NO_FRAMES", "No frame has been scored since the rule was given."),
    Case("no frame since the last event", rule(), every(1, 0.1, 0.9), "NO_FRAMES", "No frame has been scored since its last event, frame 2 at 1 s."),
    Case("held from the first frame", rule(), every(1, None, None), "SUSPENDED",
         "Its frames have been held since frame 1 at 0 s, because of pictures that can't be trusted. After them, the rule goes on as it was, waiting for ENTERED."),
    Case("held now", rule(), every(1, 0.9, 0.9, None, None), "SUSPENDED",
         "Its frames have been held since frame 3 at 2 s, because of pictures that can't be trusted. After them, the rule goes on as it was, waiting for EXITED."),
    Case("held right after an event", rule(), every(1, 0.9, None), "SUSPENDED",
         "Its frames have been held since frame 2 at 1 s, because of pictures that can't be trusted. After them, the rule goes on as it was, waiting for EXITED."),
    Case("held before", rule(), every(1, None, 0.1), "THRESHOLD",
         "The probability of 'box' was 0.1 at most (frame 2 at 1 s); ENTERED needs at least 0.8. If 'box' was there, try an enter_at of 0.1 or less, or better prompts or examples."),
    Case("too low", rule(), every(0.5, 0.1, 0.579, 0.3, 0.579), "THRESHOLD",
         "The probability of 'box' was 0.579 at most (frame 2 at 0.5 s); ENTERED needs at least 0.8. If 'box' was there, try an enter_at of 0.579 or less, or better prompts or examples."),
    Case("too low by a hair", rule(), every(1, 0.79999), "THRESHOLD",
         "The probability of 'box' was 0.799 at most (frame 1 at 0 s); ENTERED needs at least 0.8. If 'box' was there, try an enter_at of 0.799 or less, or better prompts or examples."),
    Case("far too low", rule(), every(1, -0.2), "THRESHOLD",
         "The probability of 'box' was -0.2 at most (frame 1 at 0 s); ENTERED needs at least 0.8. If 'box' was there, try better prompts or examples."),
    Case("too high", rule(), every(1, 0.9, 0.9, 0.6, 0.7), "THRESHOLD",
         "The probability of 'box' was 0.6 at least (frame 3 at 2 s); EXITED needs less than 0.5. If 'box' was gone, try an exit_below above 0.6, or better prompts or examples."),
    Case("too high by a hair", rule(), every(1, 0.9, 0.50001), "THRESHOLD",
         "The probability of 'box' was 0.501 at least (frame 2 at 1 s); EXITED needs less than 0.5. If 'box' was gone, try an exit_below above 0.501, or better prompts or examples."),
    Case("too high for enter_at", rule(), every(1, 0.9, 0.85), "THRESHOLD",
         "The probability of 'box' was 0.85 at least (frame 2 at 1 s); EXITED needs less than 0.5. If 'box' was gone, try an exit_below above 0.85 with a higher enter_at, or better prompts or examples."),
    Case("far too high", rule(), every(1, 1.0, 1.0), "THRESHOLD",
         "The probability of 'box' was 1 at least (frame 2 at 1 s); EXITED needs less than 0.5. If 'box' was gone, try better prompts or examples."),
    Case("present for too short a time", rule(present_s=2), every(0.7, 0.9, 0.9, 0.9, 0.1, 0.9), "MIN_TIME",
         "The probability of 'box' was at least 0.8 for at most 1.4 s without interruption; ENTERED needs 2 s. Try a min_present of 1.4 s or less, or smoothing if the score wavers."),
    Case("absent for too short a time", rule(absent_s=2), every(1, 0.9, 0.9, 0.1, 0.1, 0.9), "MIN_TIME",
         "The probability of 'box' was less than 0.5 for at most 1 s without interruption; EXITED needs 2 s. Try a min_absent of 1 s or less, or smoothing if the score wavers."),
    Case("smoothed already", rule(present_s=2, smoothing_s=1), every(1, 0.9, 0.9), "MIN_TIME",
         "The smoothed probability of 'box' was at least 0.8 for at most 1 s without interruption; ENTERED needs 2 s. Try a min_present of 1 s or less."),
    Case("in the cooldown", rule(cooldown_s=5), every(1, 0.9, 0.1, 0.9, 0.9), "COOLDOWN",
         "The probability of 'box' was at least 0.8 for at most 1 s without interruption, which is enough, but within the cooldown of 5 s after EXITED (frame 2 at 1 s). If the score stays there, ENTERED is emitted after the cooldown; for an earlier ENTERED, try a shorter cooldown."),
    Case("gone again within the cooldown", rule(cooldown_s=2), every(1, 0.9, 0.1, 0.9, 0.1, 0.1, 0.1), "COOLDOWN",
         "The probability of 'box' was at least 0.8 for at most 0 s without interruption, which is enough, but within the cooldown of 2 s after EXITED (frame 2 at 1 s). If the score stays there, ENTERED is emitted after the cooldown; for an earlier ENTERED, try a shorter cooldown."),
    Case("too low in the cooldown", rule(cooldown_s=5), every(1, 0.9, 0.1, 0.3), "THRESHOLD",
         "The probability of 'box' was 0.3 at most (frame 3 at 2 s); ENTERED needs at least 0.8. If 'box' was there, try an enter_at of 0.3 or less, or better prompts or examples."),
    Case("too short in the cooldown", rule(present_s=2, cooldown_s=5), [(0, 0.9), (2, 0.9), (3, 0.1), (4, 0.9), (5, 0.9)], "MIN_TIME",
         "The probability of 'box' was at least 0.8 for at most 1 s without interruption; ENTERED needs 2 s. Try a min_present of 1 s or less, or smoothing if the score wavers."),
    Case("gaps within", rule(present_s=5), [(0, 0.9), (3, 0.9), (20, 0.9)], "SPARSE_FRAMES",
         "The probability of 'box' was at least 0.8 for at most 3 s without interruption: gaps between frames of more than max_frame_gap (10 s) don't count. ENTERED needs 5 s. Send frames more often, or try a longer max_frame_gap or a shorter min_present."),
    Case("a gap right after", rule(absent_s=5), [(0, 0.9), (3, 0.1), (20, 0.9)], "SPARSE_FRAMES",
         "The probability of 'box' was less than 0.5 for at most 0 s without interruption: gaps between frames of more than max_frame_gap (10 s) don't count. EXITED needs 5 s. Send frames more often, or try a longer max_frame_gap or a shorter min_absent."),
    Case("a gap elsewhere is none of it", rule(present_s=5), [(0, 0.1), (30, 0.1), (31, 0.9), (33, 0.9), (34, 0.1), (60, 0.1)], "MIN_TIME",
         "The probability of 'box' was at least 0.8 for at most 2 s without interruption; ENTERED needs 5 s. Try a min_present of 2 s or less, or smoothing if the score wavers."),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_reasons(case: Case) -> None:
    found = explanation(case.rule, case.frames)
    assert (found.held_back_by.name, found.message) == (case.reason, case.message)


def test_every_reason_has_its_case() -> None:
    assert {case.reason for case in CASES} == {reason.name for reason in HeldBackBy}


@pytest.mark.parametrize("kind", ScoreKind, ids=lambda kind: kind.name)
def test_messages_name_the_score(kind: ScoreKind) -> None:
    assert (
        f"The {kind.name.lower()} of 'box'"
        in explanation(EventRule("box", 0.8, score_kind=kind), every(1, 0.1)).message
    )


def test_figures_towards_entered() -> None:
    watched = rule(present_s=3)
    found = explanation(watched, every(1, 0.1, 0.9, 0.95, 0.3, 0.85))
    assert found == RuleExplanation(
        rule_id="box",
        label="box",
        region_id="",
        next_kind=EventKind.ENTERED,
        frame_count=5,
        score=0.85,
        nearest_score=0.95,
        nearest=Moment(3, 2 * NS_PER_S),
        threshold=0.8,
        longest_held_ns=NS_PER_S,
        needed_ns=3 * NS_PER_S,
        held_back_by=HeldBackBy.MIN_TIME,
        message=found.message,
    )


def test_figures_towards_exited_count_from_entered() -> None:
    found = explanation(rule(absent_s=3), every(1, 0.1, 0.1, 0.9, 0.4, 0.3, 0.6))
    assert (found.next_kind, found.frame_count, found.score) == (EventKind.EXITED, 3, 0.6)
    assert (found.nearest_score, found.nearest) == (0.3, Moment(5, 4 * NS_PER_S))
    assert (found.threshold, found.longest_held_ns, found.needed_ns) == (0.5, NS_PER_S, 3 * NS_PER_S)


def test_figures_without_a_frame() -> None:
    found = explanation(rule(), [])
    assert (found.frame_count, found.score, found.nearest_score, found.nearest, found.longest_held_ns) == (
        0,
        None,
        None,
        None,
        0,
    )


def test_figures_right_after_an_event() -> None:
    found = explanation(rule(), every(1, 0.9))
    assert (found.next_kind, found.frame_count, found.score, found.nearest) == (EventKind.EXITED, 0, 0.9, None)


def test_the_score_is_the_smoothed_one() -> None:
    found = explanation(rule(smoothing_s=1), every(1, 0.0, 0.5, 0.5, 0.0))
    assert (found.score, found.nearest_score, found.nearest) == (0.1875, 0.375, Moment(3, 2 * NS_PER_S))
