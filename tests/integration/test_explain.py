"""Explanations of absent events, and trails of emitted events, over real gRPC."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from framewatch.v1 import framewatch_pb2 as pb
from framewatch.v1 import framewatch_pb2_grpc as pb_grpc
from framewatch_client import Event, Explain, Explanation, FrameResult, FramewatchClient, StreamItem, event_rule
from framewatch_core.rules.events import EventKind
from framewatch_core.rules.explanations import HeldBackBy
from tests.integration.belt import belt, belt_frames, box_label, presence_rule, timed
from tests.integration.streams import config, frame


def test_an_explanation_states_why_no_event_was_emitted(client: FramewatchClient) -> None:
    _, frames = belt()
    answers: list[Explanation] = []

    def source() -> Iterator[StreamItem]:
        yield Explain(answers.append)
        yield from timed(belt_frames())
        yield Explain(answers.append)

    labels = [box_label(), "an empty belt"]
    rules = [event_rule("an empty belt", 1.0, id="never"), presence_rule("box", id="box", cooldown_s=60.0)]
    items = list(client.stream(source(), labels, rules=rules))
    assert sum(isinstance(item, FrameResult) for item in items) == len(frames)
    before, after = answers
    assert [rule.held_back_by for rule in before.rules] == [HeldBackBy.NO_FRAMES] * 2
    assert [rule.rule_id for rule in after.rules] == ["never", "box"]
    never, box = after.rules
    scores = {
        item.frame_id: score.probability
        for item in items
        if isinstance(item, FrameResult)
        for score in item.regions[0].scores
        if score.label == "an empty belt"
    }
    assert (never.held_back_by, never.next_kind) == (HeldBackBy.THRESHOLD, EventKind.ENTERED)
    assert never.frame_count == len(frames)
    assert never.nearest_score == pytest.approx(max(scores.values()), abs=1e-6)
    assert never.nearest_frame_id is not None
    assert scores[never.nearest_frame_id] == pytest.approx(never.nearest_score, abs=1e-6)
    assert (never.threshold, never.longest_held_s) == (1.0, 0.0)
    assert f"{never.nearest_score:.3g}" in never.message
    assert box.held_back_by in {HeldBackBy.COOLDOWN, HeldBackBy.THRESHOLD}


def test_an_event_carries_its_trail(client: FramewatchClient) -> None:
    rules = [presence_rule("box", id="box", trail_count=5)]
    items = list(client.stream(timed(belt_frames()), [box_label(), "an empty belt"], rules=rules))
    entered = next(item for item in items if isinstance(item, Event))
    results = {item.frame_id: item for item in items if isinstance(item, FrameResult)}
    trail = entered.trail
    assert trail is not None
    assert [point.frame_id for point in trail.points] == list(range(entered.frame_id - 4, entered.frame_id + 1))
    for point in trail.points:
        (presence,) = (s.presence for s in results[point.frame_id].regions[0].scores if s.label == "box")
        assert point.score == point.smoothed_score == presence
    assert trail.points[-1].score == entered.score
    assert trail.points[-1].time_s == entered.time_s
    assert (trail.enter_at, trail.exit_below) == pytest.approx((0.5, 0.2))
    assert trail.runner_up is not None
    assert trail.runner_up.label == "an empty belt"


def test_the_only_label_has_no_runner_up(client: FramewatchClient) -> None:
    rules = [event_rule("box", 0.5, min_present_s=0, trail_count=1)]
    items = list(client.stream(timed(list(belt_frames())[:2]), ["box"], rules=rules))
    (entered,) = (item for item in items if isinstance(item, Event))
    assert entered.trail is not None
    assert entered.trail.runner_up is None
    assert len(entered.trail.points) == 1


def test_explanations_keep_their_place_among_frames(stub: pb_grpc.ZeroShotServiceStub) -> None:
    explain = pb.StreamFramesRequest(explain=pb.Explain())
    first = config(rules=[pb.EventRule(label="box", enter_at=1)])
    requests = [first, explain, frame(1), frame(2), explain, explain, frame(3), config(), explain]
    order = []
    for response in stub.StreamFrames(iter(requests)):
        kind = response.WhichOneof("response")
        rules = response.explanation.rules
        order.append(
            kind if kind != "explanation" else f"explained after {rules[0].frame_count}" if rules else "no rules"
        )
    assert order == [
        "started", "explained after 0", "result", "result", "explained after 2", "explained after 2", "result", "no rules",
    ]  # fmt: skip


def test_many_explains_are_all_answered(stub: pb_grpc.ZeroShotServiceStub) -> None:
    explain = pb.StreamFramesRequest(explain=pb.Explain())
    rules = [pb.EventRule(id=str(i), label="box", enter_at=1) for i in range(200)]
    requests = [config(rules=rules), *[explain] * 30, frame(1), *[explain] * 30]
    responses = list(stub.StreamFrames(iter(requests)))
    explanations = [r.explanation for r in responses if r.HasField("explanation")]
    assert [len(e.rules) for e in explanations] == [200] * 60
    assert [e.rules[0].frame_count for e in explanations] == [0] * 30 + [1] * 30
