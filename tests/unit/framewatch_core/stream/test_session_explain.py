"""Explanations among frames: in order, of what the rules have seen by then, and bounded."""

from __future__ import annotations

import pytest

from framewatch_core.errors import MissingConfig, UndecodableImage
from framewatch_core.labels.labels import LabelSet
from framewatch_core.labels.scoring import LabelScore
from framewatch_core.resume_point import ResumePoint
from framewatch_core.rules.events import Event
from framewatch_core.rules.explanations import HeldBackBy
from framewatch_core.stream.config import StreamConfig
from framewatch_core.stream.messages import Explanation, ReceivedFrame
from framewatch_core.stream.results import Timings
from framewatch_core.stream.session import SessionLimits, StreamSession
from tests.rules import quick_rule
from tests.unit.framewatch_core.stream.test_session import LABELS, RULE, Player, brief, config


def briefs(player: Player) -> list[object]:
    """Outputs in short; of an explanation, how many frames its first rule has seen."""
    return [
        (f"explained after {output.rules[0].frame_count}" if isinstance(output, Explanation) else brief(output)[0])
        for output in player.outputs()
    ]


def test_an_explain_before_the_config_is_refused() -> None:
    with pytest.raises(MissingConfig):
        Player().session.explain()


def test_it_is_answered_when_all_frames_before_it_have_their_results() -> None:
    player = Player(config())
    player.session.explain()
    assert briefs(player) == ["explained after 0"], "nothing is before it"
    player.send(1)
    player.session.explain()
    player.session.explain()
    player.send(2)
    first, second = player.works()
    player.finish(second)
    assert briefs(player) == []
    player.finish(first)
    assert briefs(player) == [1, "explained after 1", "explained after 1", 2]
    player.session.explain()
    player.session.close_input()
    assert not player.session.finished
    assert briefs(player) == ["explained after 2"]
    assert player.session.finished


def test_the_end_of_the_input_waits_for_explanations() -> None:
    player = Player(config())
    player.send(1)
    player.session.explain()
    player.session.close_input()
    player.score_all()
    assert briefs(player) == [1, "explained after 1"]
    assert player.session.finished


def test_it_comes_after_the_events_of_the_frame_before_it() -> None:
    player = Player(config(rules=(RULE, quick_rule("empty", 0.05))))
    player.send(1, 0.9)
    player.session.explain()
    player.score_all()
    _, *events, explanation = player.outputs()
    assert len(events) == 2
    assert isinstance(explanation, Explanation)
    assert [rule.next_kind.name for rule in explanation.rules] == ["EXITED", "EXITED"]


def test_frames_that_are_not_scored_are_before_it_too() -> None:
    player = Player(config())
    player.send(1)
    player.send(2)
    player.session.explain()
    first, second = player.works()
    player.session.fail(first, UndecodableImage("broken"))
    assert briefs(player) == [1]
    player.session.fail(second, UndecodableImage("broken"))
    (output,) = player.outputs()[1:]
    assert isinstance(output, Explanation)
    assert output.rules[0].held_back_by is HeldBackBy.NO_FRAMES


def test_it_goes_by_the_config_before_it() -> None:
    player = Player(config())
    player.send(1)
    player.session.configure(config(rules=(quick_rule("empty", 0.95), RULE)), "later")
    player.session.explain()
    player.session.configure(config(rules=()), "latest")
    player.session.explain()
    player.score_all()
    _, of_later, of_latest = player.outputs()
    assert isinstance(of_later, Explanation)
    assert [(rule.label, rule.frame_count) for rule in of_later.rules] == [("empty", 0), ("box", 1)]
    assert of_latest == Explanation(())


def test_frames_after_it_go_by_their_own_config() -> None:
    player = Player(config())
    player.session.explain()
    player.session.configure(StreamConfig(LABELS, (quick_rule("box", 0.3),)), "later")
    player.send(1, 0.4)
    player.score_all()
    assert briefs(player) == ["explained after 0", 1, 1], "the later rule has seen the frame"


def test_a_client_that_asks_and_does_not_read_is_read_no_more() -> None:
    limits = SessionLimits(running=8, waiting=8, explanations=3)
    player = Player(config(), limits)
    asked = 0
    while player.session.accepts_frames:
        asked += 1
        player.session.explain()
    assert asked == limits.explanations
    player.session.next_output()
    assert player.session.accepts_frames


def test_explanations_that_wait_for_frames_are_bounded_too() -> None:
    player = Player(config(), SessionLimits(running=8, waiting=8, explanations=2))
    player.send(1)
    player.session.explain()
    player.session.explain()
    assert not player.session.accepts_frames
    player.score_all()
    assert not player.session.accepts_frames, "they are not read yet"
    assert len(player.outputs()) == 3
    assert player.session.accepts_frames


def test_a_session_that_is_broken_off_sends_its_outbox_and_no_more() -> None:
    player = Player(config())
    player.send(1)
    player.score_all()
    player.send(2)
    player.session.explain()
    player.session.break_off()
    assert not player.session.finished
    assert briefs(player) == [1]
    assert player.session.finished


def test_to_ask_about_an_earlier_config_after_a_loss_changes_no_rule() -> None:
    labels = LabelSet.of(["a", "b"])
    old, new = (StreamConfig(labels, (quick_rule(name, 0.5),)) for name in "ab")

    def send(session: StreamSession[bytes, None], frame_id: int) -> None:
        session.receive(ReceivedFrame(frame_id, frame_id, b"x"), 0)
        for work in iter(session.next_work, None):
            scores = (LabelScore("a", 0.1, 0.1), LabelScore("b", 0.9, 0.9))
            session.complete(work, {"": scores}, Timings())

    def emitted(session: StreamSession[bytes, None]) -> list[tuple[str, int]]:
        outputs = list(iter(session.next_output, None))
        return [(o.event_id, o.at.frame_id) for o in outputs if isinstance(o, Event)]

    limits = SessionLimits(running=8, waiting=8)
    first = StreamSession[bytes, None]("s", limits)
    first.configure(old, None)
    send(first, 0)
    assert emitted(first) == []
    first.explain()
    first.configure(new, None)
    send(first, 1)
    assert emitted(first) == [("s-1", 1)], "and its client never receives it"
    second = StreamSession[bytes, None]("t", limits)
    second.take_over(first.hand_over(), ResumePoint("token", 0))
    second.configure(old, None)
    second.explain()
    second.configure(new, None)
    for frame_id in range(1, 5):
        send(second, frame_id)
    assert emitted(second) == [("s-1", 1)]
