"""Properties of rules with any scores, times and gaps."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from framewatch_core.labels.label_scores import by_label
from framewatch_core.labels.scoring import LabelScore, ScoreKind
from framewatch_core.rules.engine import RuleBook
from framewatch_core.rules.events import Event, EventKind, ExitReason, TrailPoint
from framewatch_core.rules.rule import EventRule
from framewatch_core.rules.state import RuleState
from framewatch_core.time import Moment

GAP_NS = 10


@dataclass(frozen=True)
class Step:
    """A frame: how long after the one before it, its scores by region, and the regions that are held."""

    elapsed_ns: int
    scores: dict[str, tuple[LabelScore, ...]]
    held: frozenset[str] = frozenset()


# few values, and stretches of them, so that scores meet thresholds and last as long as rules want
LEVELS = st.sampled_from([0.2, 0.5, 0.8])
TIMES_NS = st.sampled_from([0, 1, 2, 4, 7])
REGIONS = st.sampled_from(["", "left"])
MAX_FRAMES = 32


def label_scores(level: float) -> tuple[LabelScore, ...]:
    """Two labels, of which one goes when the other comes."""
    return LabelScore("box", level, 1 - level, level), LabelScore("cup", 1 - level, level, 1 - level)


@st.composite
def stretches(draw: st.DrawFn) -> list[Step]:
    """Frames that are much alike; a region may be held or missing in all of them."""
    elapsed_ns = draw(st.sampled_from([1, 2, 3, 0, 5, GAP_NS, GAP_NS + 1, 30]))
    scores = {"": label_scores(draw(LEVELS)), "left": label_scores(draw(LEVELS))}
    held = frozenset[str]()
    match draw(st.integers(0, 7)):
        case 6:
            del scores[draw(REGIONS)]
        case 7:
            held = frozenset({draw(REGIONS)})
    return [Step(elapsed_ns, scores, held)] * draw(st.integers(1, 5))


def steps() -> st.SearchStrategy[list[Step]]:
    return st.lists(stretches(), max_size=20).map(lambda parts: [step for part in parts for step in part][:MAX_FRAMES])


def rules(**fixed: st.SearchStrategy[object]) -> st.SearchStrategy[EventRule]:
    built: st.SearchStrategy[EventRule] = st.tuples(LEVELS, LEVELS).flatmap(
        lambda pair: st.builds(
            EventRule,
            label=st.sampled_from(["box", "cup"]),
            enter_at=st.just(max(pair)),
            exit_below=st.sampled_from([min(pair), None]),
            min_present_ns=TIMES_NS,
            min_absent_ns=TIMES_NS,
            score_kind=st.sampled_from(ScoreKind),
            region_id=REGIONS,
            cooldown_ns=st.sampled_from([0, 2, 5, 20]),
            **{"smoothing_ns": TIMES_NS, "trail_count": st.sampled_from([0, 1, 3]), **fixed},
        )
    )
    # events have their rule's id alone: rules that differ must have different ones
    return built.map(lambda rule: replace(rule, id=f"{hash(rule):x}"))


def rule_sets() -> st.SearchStrategy[list[EventRule]]:
    return st.lists(rules(), min_size=1, max_size=3, unique=True)


def configured(watched: Sequence[EventRule]) -> RuleBook:
    book = RuleBook()
    configure(book, watched)
    return book


def configure(book: RuleBook, watched: Sequence[EventRule]) -> None:
    book.configure({rule: rule for rule in watched}, GAP_NS)


def play(
    watched: Sequence[EventRule],
    played: Sequence[Step],
    start_ns: int = 0,
    between: Callable[[int, RuleBook], RuleBook] = lambda _, book: book,
) -> list[Event]:
    """Events of a stream; `between` may put another book in the place of the one before the n-th frame."""
    book, time_ns, events = configured(watched), start_ns, list[Event]()
    for number, step in enumerate(played):
        time_ns += step.elapsed_ns
        book = between(number, book)
        events += book.update(Moment(number, time_ns), step.scores, step.held)
    return events


def shifted(event: Event, by_ns: int) -> Event:
    def move(at: Moment) -> Moment:
        return replace(at, time_ns=at.time_ns + by_ns)

    trail = event.trail and replace(
        event.trail, points=tuple(replace(point, at=move(point.at)) for point in event.trail.points)
    )
    return replace(event, at=move(event.at), began=move(event.began), trail=trail)


@given(rule_sets(), steps())
def test_entered_and_exited_alternate(watched: list[EventRule], played: list[Step]) -> None:
    events = play(watched, played)
    for rule in watched:
        kinds = [event.kind for event in events if event.rule_id == rule.id]
        assert kinds == [EventKind.ENTERED, EventKind.EXITED] * (len(kinds) // 2) + [EventKind.ENTERED] * (
            len(kinds) % 2
        )


def edits_of(rule: EventRule) -> st.SearchStrategy[EventRule]:
    """The same rule under other settings."""
    return rules().map(
        lambda other: replace(other, id=rule.id, label=rule.label, region_id=rule.region_id, score_kind=rule.score_kind)
    )


@given(
    st.lists(rules(), min_size=1, max_size=2, unique=True).flatmap(
        lambda some: st.lists(
            st.tuples(st.integers(0, MAX_FRAMES), st.lists(st.sampled_from(some).flatmap(edits_of), max_size=2)),
            max_size=5,
        )
    ),
    steps(),
)
def test_entered_and_exited_alternate_whatever_configs_come(
    configs: list[tuple[int, list[EventRule]]], played: list[Step]
) -> None:
    def configure_by_id(number: int, book: RuleBook) -> RuleBook:
        for before, edited in configs:
            if before == number:
                book.configure({rule.id: rule for rule in edited}, GAP_NS)
        if number == len(played):
            book.configure({}, GAP_NS)
        return book

    last = dict[str, EventKind]()
    for event in play([], [*played, Step(0, {})], between=configure_by_id):
        assert event.kind is not last.get(event.rule_id, EventKind.EXITED)
        last[event.rule_id] = event.kind
    assert EventKind.ENTERED not in last.values(), "a rule that is no more leaves nothing open"


@given(rule_sets(), steps(), st.integers(0, 10**18))
def test_shifting_all_times_shifts_all_events(watched: list[EventRule], played: list[Step], by_ns: int) -> None:
    assert play(watched, played, by_ns) == [shifted(event, by_ns) for event in play(watched, played)]


@pytest.mark.parametrize(
    "take_over",
    [
        pytest.param(copy.deepcopy, id="copied"),
        pytest.param(lambda book: pickle.loads(pickle.dumps(book)), id="pickled"),
    ],
)
@given(rule_sets(), steps(), st.sets(st.integers(0, MAX_FRAMES)))
def test_splitting_a_stream_changes_nothing(
    take_over: Callable[[RuleBook], RuleBook], watched: list[EventRule], played: list[Step], cuts: set[int]
) -> None:
    split = play(watched, played, between=lambda number, book: take_over(book) if number in cuts else book)
    assert split == play(watched, played)


@given(rule_sets(), steps(), st.sets(st.integers(0, MAX_FRAMES)))
def test_a_config_without_changes_changes_nothing(
    watched: list[EventRule], played: list[Step], configs_before: set[int]
) -> None:
    def configure_again(number: int, book: RuleBook) -> RuleBook:
        if number in configs_before:
            configure(book, watched)
        return book

    assert play(watched, played, between=configure_again) == play(watched, played)


@given(rule_sets(), steps(), rules(), st.integers(0, MAX_FRAMES))
def test_rules_that_come_do_not_bear_on_the_others(
    watched: list[EventRule], played: list[Step], newcomer: EventRule, before: int
) -> None:
    def add(number: int, book: RuleBook) -> RuleBook:
        if number == before:
            configure(book, [newcomer, *watched])
        return book

    old = {rule for rule in watched if rule != newcomer}
    heard = [event for event in play(watched, played, between=add) if event.rule_id in {rule.id for rule in old}]
    assert heard == [event for event in play(watched, played) if event.rule_id in {rule.id for rule in old}]


@given(rule_sets(), steps(), st.randoms())
def test_the_order_of_rules_does_not_matter(watched: list[EventRule], played: list[Step], random: Random) -> None:
    other = list(watched)
    random.shuffle(other)
    one_way, other_way = play(watched, played), play(other, played)
    for rule in watched:
        assert [e for e in one_way if e.rule_id == rule.id] == [e for e in other_way if e.rule_id == rule.id]


@given(rule_sets(), steps())
def test_rules_do_not_bear_on_each_other(watched: list[EventRule], played: list[Step]) -> None:
    together = play(watched, played)
    for rule in watched:
        assert [event for event in together if event.rule_id == rule.id] == play([rule], played)


@given(rule_sets(), steps(), REGIONS)
def test_held_frames_cause_no_event(watched: list[EventRule], played: list[Step], region: str) -> None:
    held = [replace(step, held=step.held | {region}) if i % 3 else step for i, step in enumerate(played)]
    for event in play(watched, held):
        assert event.region_id not in held[event.at.frame_id].held
        assert event.region_id not in held[event.began.frame_id].held


@given(rule_sets(), steps())
def test_what_held_frames_show_does_not_matter(watched: list[EventRule], played: list[Step]) -> None:
    blind = [
        replace(step, scores={region: seen for region, seen in step.scores.items() if region not in step.held})
        for step in played
    ]
    assert play(watched, played) == play(watched, blind)


@given(rules(), steps(), steps())
def test_a_held_stretch_only_breaks_off_what_was_under_way(
    rule: EventRule, before: list[Step], held: list[Step]
) -> None:
    """Events stay as emitted: without further scores, no event is emitted about the time in between."""
    seen = play([rule], before)
    stretch = [replace(step, held=frozenset({rule.region_id})) for step in held]
    assert play([rule], before + stretch) == seen


@given(rule_sets(), steps())
def test_explanations_only_observe(watched: list[EventRule], played: list[Step]) -> None:
    """The rules' states alone, without anything that explains them, complete the same events."""
    states, time_ns, events = [RuleState(rule) for rule in watched], 0, list[Event]()
    for number, step in enumerate(played):
        time_ns += step.elapsed_ns
        for state in states:
            if state.rule.region_id in step.scores.keys() - step.held:
                scores = by_label(step.scores[state.rule.region_id])
                event = state.update(Moment(number, time_ns), scores, GAP_NS)
                events += [event] if event else []
            else:
                state.hold()
    assert play(watched, played) == events


# The oracle: for each frame, the longest run of frames that ends with it and speaks for a change, looked up anew.


@dataclass(frozen=True)
class Look:
    at: Moment
    score: float | None
    """The score that the rule saw; None: it did not see the frame."""


def looks(rule: EventRule, played: Sequence[Step]) -> list[Look]:
    found, time_ns = list[Look](), 0
    for number, step in enumerate(played):
        time_ns += step.elapsed_ns
        visible = rule.region_id in step.scores and rule.region_id not in step.held
        values = {s.label: s.value(rule.score_kind) for s in step.scores[rule.region_id]} if visible else {}
        found.append(Look(Moment(number, time_ns), values.get(rule.label)))
    return found


def oracle(rule: EventRule, played: Sequence[Step]) -> list[Event]:
    frames, events = looks(rule, played), list[Event]()
    for end in range(len(frames)):
        event = _completed(rule, frames[: end + 1], events[-1] if events else None)
        if event is not None:
            events.append(event)
    return events


def _completed(rule: EventRule, frames: list[Look], last: Event | None) -> Event | None:
    entering = last is None or last.kind is EventKind.EXITED
    run = _longest_run_at_the_end(rule, frames, 0 if last is None else last.at.frame_id + 1, entering)
    if not run:
        return None
    at, began = run[-1].at, run[0].at
    gaps = [later.at.time_ns - earlier.at.time_ns for earlier, later in pairwise(run)]
    held_ns = sum(gap for gap in gaps if gap <= GAP_NS)
    if held_ns < (rule.min_present_ns if entering else rule.min_absent_ns):
        return None
    if entering and last is not None and at.time_ns - last.at.time_ns < rule.cooldown_ns:
        return None
    before = [frame.at for frame in frames if frame.score is not None and frame.at.frame_id < began.frame_id]
    sparse = any(gap > GAP_NS for gap in [*gaps, *(began.time_ns - at.time_ns for at in before[-1:])])
    since = began if entering or last is None else last.began
    peak = max(frame.score for frame in frames if frame.score is not None and frame.at.frame_id >= since.frame_id)
    return Event(
        kind=EventKind.ENTERED if entering else EventKind.EXITED,
        rule_id=rule.id,
        label=rule.label,
        region_id=rule.region_id,
        at=at,
        began=began,
        score=frames[-1].score or 0.0,
        peak_score=peak,
        present_ns=None if entering else began.time_ns - since.time_ns,
        sparse=sparse,
        exit_reason=None if entering else ExitReason.ABSENT,
    )


def _longest_run_at_the_end(rule: EventRule, frames: list[Look], first: int, entering: bool) -> list[Look]:
    def speaks(look: Look) -> bool:
        if look.score is None:
            return False
        return look.score >= rule.enter_at if entering else look.score < rule.exit_threshold

    runs = (frames[start:] for start in range(first, len(frames)) if all(speaks(look) for look in frames[start:]))
    return next(runs, [])


@settings(max_examples=500)
@given(rules(smoothing_ns=st.just(0), trail_count=st.just(0)), steps())
def test_events_are_those_of_the_definition(rule: EventRule, played: list[Step]) -> None:
    assert play([rule], played) == oracle(rule, played)


def smoothed_by_definition(points: Sequence[tuple[int, float]], half_life_ns: int) -> float:
    """The first score and every later one, weighted by the share of the memory that was made since the frame before."""
    end_ns = points[-1][0]

    def left(time_ns: int) -> float:
        return float(0.5 ** ((end_ns - time_ns) / half_life_ns))

    first_ns, first = points[0]
    return first * left(first_ns) + sum(
        score * (left(time_ns) - left(earlier_ns)) for (earlier_ns, _), (time_ns, score) in pairwise(points)
    )


def unbroken(seen: Sequence[Look]) -> list[tuple[int, float]]:
    """Time and score of the last frames, back to a gap or a held one."""
    points = list[tuple[int, float]]()
    for look in reversed(seen):
        if look.score is None or (points and points[-1][0] - look.at.time_ns > GAP_NS):
            break
        points.append((look.at.time_ns, look.score))
    return points[::-1]


@given(rules(smoothing_ns=st.integers(1, 50), trail_count=st.just(0)), steps())
def test_smoothing_is_that_of_the_definition(rule: EventRule, played: list[Step]) -> None:
    book, seen = configured([rule]), looks(rule, played)
    for number, (step, look) in enumerate(zip(played, seen, strict=True), 1):
        book.update(look.at, step.scores, step.held)
        if look.score is not None:
            expected = smoothed_by_definition(unbroken(seen[:number]), rule.smoothing_ns)
            assert book.explain()[0].score == pytest.approx(expected, abs=1e-9)


@given(rules(trail_count=st.just(100)), steps())
def test_trails_tell_what_the_rule_saw(rule: EventRule, played: list[Step]) -> None:
    seen = [look for look in looks(rule, played) if look.score is not None]
    for event in play([rule], played):
        assert event.trail is not None
        raw = [TrailPoint(point.at, point.score, 0.0) for point in event.trail.points]
        assert raw == [TrailPoint(x.at, x.score or 0.0, 0.0) for x in seen if x.at.frame_id <= event.at.frame_id]
        assert event.trail.points[-1].smoothed_score == event.score
        assert event.peak_score >= event.score


@given(rule_sets(), steps())
def test_every_rule_is_explained_at_any_time(watched: list[EventRule], played: list[Step]) -> None:
    book, time_ns = configured(watched), 0
    for number, step in enumerate(played):
        time_ns += step.elapsed_ns
        book.update(Moment(number, time_ns), step.scores, step.held)
        explanations = book.explain()
        assert [explanation.rule_id for explanation in explanations] == [rule.id for rule in watched]
        assert all(explanation.message.endswith(".") for explanation in explanations)
