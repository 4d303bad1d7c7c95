"""What the client writes the server reads, and the other way round."""

from __future__ import annotations

from dataclasses import replace

import pytest

from framewatch.v1 import framewatch_pb2 as pb
from framewatch_client import _wire as client_wire
from framewatch_client import _wire_config as wire_config
from framewatch_client import types
from framewatch_core.errors import FieldError, InvalidRequest
from framewatch_core.health.monitor import HealthEvent, HealthPolicy, HealthProblem
from framewatch_core.images.image import EncodedImage, PixelFormat, RawImage
from framewatch_core.images.regions import Region
from framewatch_core.labels.labels import Label, LabelSet
from framewatch_core.labels.scoring import LabelScore, ScoreKind
from framewatch_core.rules.explanations import HeldBackBy, RuleExplanation
from framewatch_core.rules.rule import EventKind, EventRule, EventTrail, RuleEvent, TrailPoint
from framewatch_core.stream.messages import (
    Event,
    Explanation,
    FrameResult,
    OverflowPolicy,
    RegionScores,
    Scored,
    StreamConfig,
)
from framewatch_core.stream.reuse import ReusePolicy
from framewatch_core.time import Moment
from framewatch_server.rpc import answers, requests

S = 1_000_000_000
BOX = Label(
    "box",
    ("a box",),
    ("an empty belt", "nothing"),
    (EncodedImage(b"one"), RawImage(b"x" * 12, 2, 2, PixelFormat.BGR24)),
    (EncodedImage(b"two"),),
)
PLAIN = StreamConfig(LabelSet((BOX, Label("empty"))))
REGIONS = (Region("left", 0.0625, 0.25, 0.125, 0.5), Region("all", 0, 0, 1, 1))
FULL_RULE = EventRule("box", 0.75, 0.5, S, 2 * S, ScoreKind.PRESENCE, "r", "left", 3 * S, S // 2, 7)


@pytest.mark.parametrize(
    "config",
    [
        pytest.param(PLAIN, id="examples of both kinds, of files and pixels"),
        pytest.param(replace(PLAIN, label_set=LabelSet.of(["a"], [])), id="verbatim names"),
        pytest.param(replace(PLAIN, regions=REGIONS, rules=(FULL_RULE, EventRule("box", 1.0, region_id="all"))), id="rules and regions"),
        pytest.param(replace(PLAIN, health=HealthPolicy(disabled=True)), id="health disabled"),
        pytest.param(replace(PLAIN, health=HealthPolicy(False, frozenset(HealthProblem), 1, 0)), id="health in full"),
        pytest.param(replace(PLAIN, reuse=ReusePolicy(0.25, 0)), id="reuse"),
        pytest.param(replace(PLAIN, overflow_policy=OverflowPolicy.DROP_OLDEST, top_count=3, max_frame_rate=2.5, max_frame_gap_ns=1, origin_time_ns=5 * S + 1, model="m"), id="all else"),
    ],
)  # fmt: skip
def test_a_config_arrives_as_it_was(config: StreamConfig) -> None:
    sent = wire_config.config_message(config).SerializeToString()
    assert requests.to_config(pb.StreamConfig.FromString(sent)) == config


def test_a_condensed_label_can_not_be_sent() -> None:
    with pytest.raises(ValueError, match="give the picture"):
        wire_config.config_message(PLAIN.condensed())


def response(**fields: object) -> pb.StreamFramesResponse:
    return pb.StreamFramesResponse.FromString(pb.StreamFramesResponse(**fields).SerializeToString())  # type: ignore[arg-type]


SCORE = LabelScore("box", 0.5, 0.25, 0.75)


@pytest.mark.parametrize("problem", [None, *HealthProblem], ids=lambda problem: problem and problem.name)
def test_region_scores_arrive_as_they_were(problem: HealthProblem | None) -> None:
    regions = (
        RegionScores("left", (SCORE,), problem, suspended=True),
        RegionScores("", (replace(SCORE, presence=None),)),
    )
    result = FrameResult(1, S, 2, Scored(regions, reused_frame_id=0))
    arrived = client_wire.frame_result(response(result=answers.frame_result(result)))
    assert arrived.regions == regions
    assert arrived.reused_frame_id == 0


AT, BEGAN = Moment(9, 4 * S), Moment(5, 2 * S)


@pytest.mark.parametrize("runner_up", [None, SCORE], ids=["no other label", "runner-up"])
def test_rule_events_arrive_as_they_were(runner_up: LabelScore | None) -> None:
    trail = EventTrail((TrailPoint(BEGAN, 0.5, 0.25), TrailPoint(AT, 0.75, 0.5)), runner_up)
    seen = RuleEvent(EventKind.EXITED, FULL_RULE, AT, BEGAN, 0.25, 0.875, 3 * S, sparse=True, trail=trail)
    event = client_wire.event(answers.event(Event("e", seen)))
    assert event is not None
    assert (event.kind, event.rule_id, event.label, event.region) == (EventKind.EXITED, "r", "box", "left")
    assert (event.frame_id, event.time_s, event.began_frame_id, event.began_time_s) == (9, 4.0, 5, 2.0)
    assert (event.score, event.peak_score, event.present_s, event.sparse) == (0.25, 0.875, 3.0, True)
    points = (types.TrailPoint(5, 2.0, 0.5, 0.25), types.TrailPoint(9, 4.0, 0.75, 0.5))
    assert event.trail == types.EventTrail(points, runner_up, 0.75, 0.5)
    assert event.problem is None


def test_an_event_without_a_trail_has_none() -> None:
    seen = RuleEvent(EventKind.ENTERED, FULL_RULE, AT, BEGAN, 0.25, 0.875)
    event = client_wire.event(answers.event(Event("e", seen)))
    assert event is not None
    assert (event.trail, event.present_s, event.sparse) == (None, None, False)


@pytest.mark.parametrize(
    ("kind", "problem"),
    [*((EventKind.SUSPENDED, problem) for problem in HealthProblem), (EventKind.RESUMED, None)],
    ids=lambda value: value and value.name,
)
def test_health_events_arrive_as_they_were(kind: EventKind, problem: HealthProblem | None) -> None:
    event = client_wire.event(answers.event(Event("e", HealthEvent(kind, "left", problem, AT, BEGAN))))
    assert event is not None
    assert (event.kind, event.problem, event.region, event.rule_id, event.label) == (kind, problem, "left", "", "")
    assert (event.frame_id, event.began_frame_id) == (9, 5)


NEVER = RuleExplanation(
    FULL_RULE, EventKind.ENTERED, 0, None, None, None, 0.75, 0, S, HeldBackBy.NO_FRAMES, "No frame yet."
)  # fmt: skip


@pytest.mark.parametrize("held_back_by", HeldBackBy, ids=lambda value: value.name)
def test_explanations_arrive_as_they_were(held_back_by: HeldBackBy) -> None:
    near = replace(
        NEVER, frame_count=3, score=0.0, nearest_score=0.0, nearest=Moment(0, 0), longest_held_ns=S // 2, held_back_by=held_back_by
    )  # fmt: skip
    first, second = client_wire.explanation(response(explanation=answers.explanation(Explanation((NEVER, near))))).rules
    assert (first.rule_id, first.label, first.region, first.next_kind) == ("r", "box", "left", EventKind.ENTERED)
    assert (first.score, first.nearest_score, first.nearest_frame_id, first.nearest_time_s) == (None,) * 4
    assert (first.threshold, first.needed_s, first.message) == (0.75, 1.0, "No frame yet.")
    assert (second.score, second.nearest_score, second.nearest_frame_id, second.nearest_time_s) == (0, 0, 0, 0)
    assert (second.frame_count, second.longest_held_s, second.held_back_by) == (3, 0.5, held_back_by)


def test_numbers_that_a_client_does_not_know_are_passed_over() -> None:
    region = pb.RegionScores(problem=99, suspended=True)  # type: ignore[arg-type]
    result = client_wire.frame_result(response(result=pb.FrameResult(scores=pb.FrameScores(regions=[region]))))
    assert (result.regions[0].problem, result.regions[0].suspended) == (None, True)
    assert client_wire.event(response(event=pb.Event(kind=99))) is None  # type: ignore[arg-type]
    suspended = client_wire.event(
        response(health_event=pb.HealthEvent(kind=pb.HEALTH_EVENT_KIND_SUSPENDED, problem=99))
    )  # type: ignore[arg-type]
    assert suspended is not None
    assert suspended.problem is None
    unknown = pb.Explanation(rules=[pb.RuleExplanation(held_back_by=99, next_kind=99)])  # type: ignore[arg-type]
    (rule,) = client_wire.explanation(response(explanation=unknown)).rules
    assert (rule.held_back_by, rule.next_kind) == (None, None)


@pytest.mark.parametrize(
    ("message", "error", "field"),
    [
        pytest.param(pb.StreamConfig(regions=[pb.Region(id="r", width=1, height=2)]), FieldError, "config.regions[0].height", id="region"),
        pytest.param(pb.StreamConfig(health=pb.HealthPolicy(ignored=[99])), InvalidRequest, "config.health.ignored", id="problem"),  # type: ignore[list-item]
        pytest.param(pb.StreamConfig(label_set=pb.LabelSet(labels=[pb.Label(name="a"), pb.Label(name="b", examples=[pb.Image()])])), FieldError, "config.label_set.labels[1].examples[0]", id="example"),
        pytest.param(pb.StreamConfig(label_set=pb.LabelSet(labels=[pb.Label(name="b", contrast_prompts=["a", ""])])), FieldError, "config.label_set.labels[0].contrast_prompts[1]", id="contrast"),
    ],
)  # fmt: skip
def test_what_can_not_be_names_its_field(message: pb.StreamConfig, error: type[FieldError], field: str) -> None:
    if not message.HasField("label_set"):
        message.label_set.labels.add(name="a")
    with pytest.raises(error) as caught:
        requests.to_config(message)
    assert caught.value.field == field
