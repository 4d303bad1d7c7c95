"""The protocol of StreamFrames without a server: order, duplicates, overflow, limits, configs, the end."""

from __future__ import annotations

import itertools
import random
from dataclasses import replace

import pytest

from framewatch_core.errors import InvalidRequest, MissingConfig, UndecodableImage
from framewatch_core.labels.labels import Label, LabelSet
from framewatch_core.labels.scoring import LabelScore, ScoreKind
from framewatch_core.rules.events import Event, ExitReason
from framewatch_core.rules.rule import EventRule
from framewatch_core.stream.config import OverflowPolicy, StreamConfig
from framewatch_core.stream.messages import Output, ReceivedFrame, Started
from framewatch_core.stream.results import Dropped, DropReason, Failed, FrameResult, Scored, Timings
from framewatch_core.stream.session import SessionLimits, StreamSession
from framewatch_core.stream.slots import Work
from framewatch_core.time import NS_PER_S
from tests.rules import quick_rule

LABELS = LabelSet.of(["box", "empty"])
RULE = quick_rule("box", 0.8, 0.5)
LIMITS = SessionLimits(running=2, waiting=3, unsent=20)


def config(**changes: object) -> StreamConfig:
    return StreamConfig(**{"label_set": LABELS, "rules": (RULE,), **changes})  # type: ignore[arg-type]


def scores(box: float) -> tuple[LabelScore, ...]:
    return LabelScore("box", box, box / 2), LabelScore("empty", 1 - box, 0.1)


class Player:
    """A session with a model whose answer is the picture itself: its probability of a box."""

    def __init__(self, first: StreamConfig | None = None, limits: SessionLimits = LIMITS) -> None:
        self.session = StreamSession[float, str]("s", limits)
        if first is not None:
            self.session.configure(first, "first")
            assert self.outputs() == [Started(first, 1)]

    def send(self, frame_id: int, box: float = 0.1, time_s: float | None = 0.0) -> None:
        self.session.receive(
            ReceivedFrame(frame_id, None if time_s is None else round(time_s * NS_PER_S), box), frame_id * 1000
        )

    def works(self) -> list[Work[float, str]]:
        return list(iter(self.session.next_work, None))

    def finish(self, work: Work[float, str]) -> None:
        self.session.complete(work, {"": scores(work.image)}, Timings())

    def score_all(self) -> None:
        while works := self.works():
            for work in works:
                self.finish(work)

    def outputs(self) -> list[Output]:
        return list(iter(self.session.next_output, None))

    def results(self) -> list[tuple[int, str]]:
        return [brief(output) for output in self.outputs()]


def brief(output: Output) -> tuple[int, str]:
    match output:
        case FrameResult(frame_id, outcome=Scored()):
            return frame_id, "scored"
        case FrameResult(frame_id, outcome=Dropped(reason)):
            return frame_id, reason.name
        case FrameResult(frame_id, outcome=Failed(error)):
            return frame_id, error.reason.name
        case Event(at=at, kind=kind):
            return at.frame_id, kind.name
        case Started(config_version=version):
            return version, "started"


def test_frames_before_a_config_are_refused() -> None:
    with pytest.raises(MissingConfig):
        Player().send(1)


def test_results_leave_in_the_order_sent_whatever_order_they_are_scored_in() -> None:
    player = Player(config())
    for frame_id in (1, 2):
        player.send(frame_id)
    first, second = player.works()
    player.finish(second)
    assert player.results() == []
    player.finish(first)
    assert player.results() == [(1, "scored"), (2, "scored")]


def test_events_follow_the_result_that_completed_them() -> None:
    player = Player(config())
    for frame_id, box in enumerate([0.1, 0.9, 0.9, 0.2], 1):
        player.send(frame_id, box, frame_id)
    player.score_all()
    assert player.results() == [
        (1, "scored"), (2, "scored"), (2, "ENTERED"), (3, "scored"), (4, "scored"), (4, "EXITED"),
    ]  # fmt: skip


def test_event_ids_are_the_streams_and_count_up() -> None:
    player = Player(config())
    for frame_id, box in enumerate([0.9, 0.1, 0.9], 1):
        player.send(frame_id, box, frame_id)
    player.score_all()
    assert [o.event_id for o in player.outputs() if isinstance(o, Event)] == ["s-1", "s-2", "s-3"]


def test_the_end_of_the_stream_causes_no_event() -> None:
    player = Player(config())
    player.send(1, 0.9)
    player.session.close_input()
    assert not player.session.finished
    player.score_all()
    assert player.results() == [(1, "scored"), (1, "ENTERED")]
    assert player.session.finished


def test_a_stream_without_frames_finishes() -> None:
    player = Player(config())
    player.session.close_input()
    assert player.session.finished


@pytest.mark.parametrize(
    ("frames", "expected"),
    [
        pytest.param([(5, 0.0), (5, 0.1)], [(5, "scored"), (5, "OUT_OF_ORDER")], id="same number again"),
        pytest.param([(5, 0.0), (4, 0.1)], [(5, "scored"), (4, "OUT_OF_ORDER")], id="number goes back"),
        pytest.param([(5, 0.0), (9, 0.1)], [(5, "scored"), (9, "scored")], id="numbers may have gaps"),
        pytest.param([(0, 0.0), (1, 0.0)], [(0, "scored"), (1, "scored")], id="same time, from number 0"),
        pytest.param([(1, 1.0), (2, 0.9)], [(1, "scored"), (2, "OUT_OF_ORDER")], id="time goes back"),
        pytest.param([(1, -0.1)], [(1, "OUT_OF_ORDER")], id="negative time"),
        pytest.param([(1, 1.0), (2, None)], [(1, "scored"), (2, "OUT_OF_ORDER")], id="time missing later"),
        pytest.param([(1, None), (2, 1.0)], [(1, "scored"), (2, "OUT_OF_ORDER")], id="time given later"),
        pytest.param([(1, None), (2, None)], [(1, "scored"), (2, "scored")], id="arrival times"),
        pytest.param(
            [(1, 1.0), (2, 0.5), (3, 1.1)], [(1, "scored"), (2, "OUT_OF_ORDER"), (3, "scored")], id="goes on after it"
        ),
        pytest.param(
            [(9, 1.0), (2, 5.0), (10, 1.1)],
            [(9, "scored"), (2, "OUT_OF_ORDER"), (10, "scored")],
            id="is then forgotten",
        ),
    ],
)
def test_order(frames: list[tuple[int, float | None]], expected: list[tuple[int, str]]) -> None:
    player = Player(config())
    for frame_id, time_s in frames:
        player.send(frame_id, 0.1, time_s)
    player.score_all()
    assert player.results() == expected


def test_a_bad_picture_is_an_outcome_and_the_rules_do_not_see_it() -> None:
    player = Player(config(rules=(quick_rule("box", 0.8, min_present_ns=NS_PER_S),)))
    player.send(1, 0.9, 0)
    player.session.receive(ReceivedFrame(2, NS_PER_S // 2, UndecodableImage("broken")), 0)
    player.send(3, 0.9, 1)
    player.score_all()
    assert player.results() == [(1, "scored"), (2, "UNDECODABLE_IMAGE"), (3, "scored"), (3, "ENTERED")]


def test_a_picture_that_fails_later_is_an_outcome() -> None:
    player = Player(config())
    player.send(1)
    (work,) = player.works()
    player.session.fail(work, UndecodableImage("broken"))
    assert player.results() == [(1, "UNDECODABLE_IMAGE")]


def test_only_so_many_run_at_once_oldest_first() -> None:
    player = Player(config())
    for frame_id in (1, 2, 3):
        player.send(frame_id)
    works = player.works()
    assert [work.slot.moment.frame_id for work in works] == [1, 2]
    player.finish(works[0])
    assert [work.slot.moment.frame_id for work in player.works()] == [3]


def test_block_stops_reading_while_enough_wait() -> None:
    player = Player(config())
    for frame_id in (1, 2, 3):
        assert player.session.accepts_frames
        player.send(frame_id)
    assert not player.session.accepts_frames
    player.works()
    assert player.session.accepts_frames


def test_block_stops_reading_at_its_share_of_what_may_wait() -> None:
    player = Player(config())
    player.session.share_waiting(1)
    player.send(1)
    assert not player.session.accepts_frames
    player.session.share_waiting(LIMITS.waiting + 5)
    player.send(2)
    assert player.session.accepts_frames
    player.send(3)
    assert not player.session.accepts_frames, "its own limit stays"


def test_frames_that_may_not_be_dropped_hold_back_those_that_may() -> None:
    player = Player(config())
    player.send(1)
    player.session.configure(config(overflow_policy=OverflowPolicy.DROP_OLDEST), "second")
    player.send(2)
    assert player.session.accepts_frames
    player.send(3)
    assert not player.session.accepts_frames, "frame 1 is in the way of dropping"
    player.works()
    assert player.session.accepts_frames


def test_drop_oldest_keeps_as_many_of_the_newest_as_its_share() -> None:
    player = Player(config(overflow_policy=OverflowPolicy.DROP_OLDEST))
    for frame_id in (1, 2, 3):
        player.send(frame_id)
    player.session.share_waiting(1)
    player.send(4)
    player.score_all()
    assert [outcome for _, outcome in player.results()] == ["OVERFLOW"] * 3 + ["scored"]


def test_drop_oldest_keeps_the_newest_and_tells_every_drop() -> None:
    player = Player(config(overflow_policy=OverflowPolicy.DROP_OLDEST))
    player.send(1)
    player.send(2)
    running = player.works()
    for frame_id in range(3, 9):
        assert player.session.accepts_frames
        player.send(frame_id)
    for work in running:
        player.finish(work)
    player.score_all()
    assert player.results() == [
        (1, "scored"), (2, "scored"), (3, "OVERFLOW"), (4, "OVERFLOW"), (5, "OVERFLOW"), (6, "scored"), (7, "scored"), (8, "scored"),
    ]  # fmt: skip


def test_unread_results_stop_reading_and_scoring() -> None:
    player = Player(config(overflow_policy=OverflowPolicy.DROP_OLDEST, rules=()))
    sent = 0
    while player.session.accepts_frames:
        sent += 1
        player.send(sent)
        player.score_all()
    assert sent == LIMITS.unsent
    player.send(sent + 1)
    assert player.works() == [], "no work for a client that does not read"
    assert len(player.outputs()) == LIMITS.unsent
    assert player.session.accepts_frames
    assert len(player.works()) == 1


@pytest.mark.parametrize(
    ("times", "kept"),
    [
        pytest.param([0, 0.1, 0.2, 0.3, 0.4, 0.5], [1, 3, 5], id="every second of 10 fps"),
        pytest.param([0, 0.1, 0.25, 0.35, 0.4, 0.5], [1, 3, 5], id="a late frame does not delay the next"),
        pytest.param([0, 5, 5.1, 5.2, 5.3], [1, 2, 4], id="a pause gives no credit for a burst"),
        pytest.param([0, 0.2, 0.4], [1, 2, 3], id="exactly at the rate"),
    ],
)
def test_frame_rate_limit(times: list[float], kept: list[int]) -> None:
    player = Player(config(max_frame_rate=5.0, rules=()))
    for frame_id, time_s in enumerate(times, 1):
        player.send(frame_id, 0.1, time_s)
        player.score_all()
    results = dict(player.results())
    assert [frame_id for frame_id, what in results.items() if what == "scored"] == kept
    assert set(results.values()) <= {"scored", DropReason.FRAME_RATE_LIMIT.name}
    assert len(results) == len(times)


def test_a_bad_picture_does_not_use_up_the_frame_rate() -> None:
    player = Player(config(max_frame_rate=1.0, rules=()))
    player.session.receive(ReceivedFrame(1, 0, UndecodableImage("broken")), 0)
    player.send(2, 0.1, 0.1)
    player.score_all()
    assert player.results() == [(1, "UNDECODABLE_IMAGE"), (2, "scored")]


def test_top_count_cuts_results_but_not_what_rules_see() -> None:
    player = Player(config(top_count=1, rules=(quick_rule("box", 0.3),)))
    player.send(1, 0.4)
    player.score_all()
    result, event = player.outputs()
    assert isinstance(result, FrameResult)
    assert isinstance(result.outcome, Scored)
    assert [score.label for score in result.outcome.regions[0].scores] == ["empty"]
    assert isinstance(event, Event)


def test_a_new_config_counts_for_the_frames_after_it_and_keeps_equal_rules() -> None:
    other = quick_rule("box", 0.6, id="other")
    player = Player(config())
    player.send(1, 0.9, 1)
    player.session.configure(config(rules=(RULE, other)), "later")
    player.send(2, 0.9, 2)
    player.send(3, 0.1, 3)
    player.score_all()
    outputs = player.outputs()
    assert [o.config_version for o in outputs if isinstance(o, FrameResult)] == [1, 2, 2]
    assert [(o.kind.name, o.rule_id, o.at.frame_id) for o in outputs if isinstance(o, Event)] == [
        ("ENTERED", "box", 1), ("ENTERED", "other", 2), ("EXITED", "box", 3), ("EXITED", "other", 3),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "edits",
    [
        pytest.param({"label_set": LabelSet((Label("box", ("a crate",)), Label("empty")))}, id="other prompts"),
        pytest.param({"rules": (replace(RULE, enter_at=0.79),)}, id="another threshold"),
        pytest.param({"rules": (replace(RULE, id="box"),)}, id="the same id, written out"),
    ],
)
def test_an_edited_rule_does_not_enter_twice(edits: dict[str, object]) -> None:
    player = Player(config())
    player.send(1, 0.9, 1)
    player.session.configure(config(**edits), "later")
    player.send(2, 0.9, 2)
    player.send(3, 0.1, 3)
    player.score_all()
    assert player.results() == [(1, "scored"), (1, "ENTERED"), (2, "scored"), (3, "scored"), (3, "EXITED")]


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        pytest.param((), [(2, "EXITED")], id="no rules any more"),
        pytest.param((replace(RULE, id="other"),), [(2, "EXITED"), (2, "ENTERED")], id="another id"),
        pytest.param((quick_rule("empty", 0.05, id="box"),), [(2, "EXITED"), (2, "ENTERED")], id="another label"),
        pytest.param(
            (replace(RULE, score_kind=ScoreKind.SIMILARITY, enter_at=0.9),), [(2, "EXITED")], id="another kind of score"
        ),
    ],
)
def test_a_rule_that_is_no_more_exits_first(rules: tuple[EventRule, ...], expected: list[tuple[int, str]]) -> None:
    player = Player(config())
    player.send(1, 0.9, 1)
    player.session.configure(config(rules=rules), "later")
    player.send(2, 0.9, 2)
    player.score_all()
    outputs = player.outputs()
    assert [brief(output) for output in outputs] == [(1, "scored"), (1, "ENTERED"), (2, "scored"), *expected]
    exited = next(output for output in outputs if isinstance(output, Event) and output.exit_reason)
    assert (exited.exit_reason, exited.event_id) == (ExitReason.RECONFIGURED, "s-2")


def test_a_new_config_can_not_change_the_model() -> None:
    player = Player(config(model="a"))
    with pytest.raises(InvalidRequest) as caught:
        player.session.configure(config(model="b"), "later")
    assert caught.value.field == "config.model"


@pytest.mark.parametrize("policy", OverflowPolicy)
@pytest.mark.parametrize("seed", range(20))
def test_every_frame_gets_one_outcome_in_order_whatever_happens(policy: OverflowPolicy, seed: int) -> None:
    """Random interleavings of arrival, scoring, failing and reading: nothing lost, doubled, reordered or unbounded."""
    rng = random.Random(seed)
    player = Player(config(overflow_policy=policy))
    ids = itertools.count(1)
    sent: list[int] = []
    running: list[Work[float, str]] = []
    outputs: list[Output] = []
    for _ in range(400):
        action = rng.choice(["send", "send", "start", "finish", "read"])
        if action == "send" and player.session.accepts_frames:
            frame_id = next(ids)
            sent.append(frame_id)
            player.send(frame_id, rng.random(), frame_id / 10)
        elif action == "start" and (work := player.session.next_work()) is not None:
            running.append(work)
        elif action == "finish" and running:
            work = running.pop(rng.randrange(len(running)))
            player.session.fail(work, UndecodableImage("")) if rng.random() < 0.2 else player.finish(work)
        elif action == "read" and (output := player.session.next_output()) is not None:
            outputs.append(output)
        assert len(running) <= LIMITS.running
    player.session.close_input()
    for work in running:
        player.finish(work)
    while not player.session.finished:
        outputs.extend(player.outputs())
        player.score_all()
    assert [o.frame_id for o in outputs if isinstance(o, FrameResult)] == sent
    kinds = [o.kind.name for o in outputs if isinstance(o, Event)]
    assert kinds == (["ENTERED", "EXITED"] * len(kinds))[: len(kinds)], "events alternate"


def test_a_session_that_takes_nothing_in_any_more_refuses_input() -> None:
    player = Player(config())
    player.session.close_input()
    for feed in (lambda: player.send(1), player.session.explain, lambda: player.session.configure(config(), "later")):
        with pytest.raises(AssertionError, match="takes nothing in"):
            feed()


def test_scores_that_come_after_a_fault_are_ignored() -> None:
    player = Player(config())
    player.send(1)
    player.send(2)
    first, second = player.works()
    player.finish(first)
    player.session.break_off()
    player.finish(second)
    assert player.results() == [(1, "scored")]
    assert player.session.finished
