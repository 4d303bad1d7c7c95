from __future__ import annotations

import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import given

from framewatch.v1 import framewatch_pb2 as pb
from framewatch_core.health.events import HealthEvent, HealthEventKind
from framewatch_core.health.problem import HealthProblem
from framewatch_core.labels.scoring import LabelScore
from framewatch_core.rules.events import Event, EventKind, EventTrail, ExitReason, TrailPoint
from framewatch_core.time import Moment
from framewatch_wire.events import event_from_proto, event_to_proto, health_event_from_proto, health_event_to_proto
from tests.unit.framewatch_wire.sent import sent
from tests.unit.framewatch_wire.values import EVENTS, HEALTH_EVENTS, S

AT, BEGAN = Moment(9, 4 * S), Moment(5, 2 * S)
SCORE = LabelScore("box", 0.5, 0.25, 0.75)


@given(EVENTS)
def test_events_arrive_as_they_were(event: Event) -> None:
    assert event_from_proto(sent(event_to_proto(event))) == event


@given(HEALTH_EVENTS)
def test_health_events_arrive_as_they_were(event: HealthEvent) -> None:
    assert health_event_from_proto(sent(health_event_to_proto(event))) == event


@pytest.mark.parametrize("runner_up", [None, SCORE], ids=["no other label", "runner-up"])
def test_an_event_has_seconds(runner_up: LabelScore | None) -> None:
    trail = EventTrail((TrailPoint(BEGAN, 0.5, 0.25), TrailPoint(AT, 0.75, 0.5)), runner_up, 0.75, 0.5)
    given_event = Event(
        kind=EventKind.EXITED, rule_id="r", label="box", region_id="left", at=AT, began=BEGAN, score=0.25,
        peak_score=0.875, present_ns=3 * S, sparse=True, trail=trail,
    )  # fmt: skip
    event = event_from_proto(sent(event_to_proto(given_event)))
    assert event is not None
    assert (event.kind, event.rule_id, event.label, event.region_id) == (EventKind.EXITED, "r", "box", "left")
    assert (event.frame_id, event.time_s, event.began_frame_id, event.began_time_s) == (9, 4.0, 5, 2.0)
    assert (event.score, event.peak_score, event.present_s, event.sparse) == (0.25, 0.875, 3.0, True)
    assert event.trail is not None
    assert [(point.frame_id, point.time_s) for point in event.trail.points] == [(5, 2.0), (9, 4.0)]
    assert (event.trail.runner_up, event.wall_time) == (runner_up, None)


def test_an_event_without_a_trail_has_none() -> None:
    event = Event(kind=EventKind.ENTERED, rule_id="r", label="box", at=AT, began=BEGAN, score=0.25, peak_score=0.875)
    message = sent(event_to_proto(event))
    assert not message.HasField("trail")
    assert not message.HasField("present_duration")
    assert event_from_proto(message) == event


@pytest.mark.parametrize(
    ("kind", "number", "reason"),
    [
        (pb.EVENT_KIND_ENTERED, 0, None),
        (pb.EVENT_KIND_EXITED, 0, None),
        (pb.EVENT_KIND_EXITED, pb.EXIT_REASON_ABSENT, ExitReason.ABSENT),
        (pb.EVENT_KIND_EXITED, pb.EXIT_REASON_RECONFIGURED, ExitReason.RECONFIGURED),
        (pb.EVENT_KIND_EXITED, 99, None),
    ],
    ids=["entered", "of an earlier server", "absent", "reconfigured", "of a later server"],
)
def test_an_exit_has_its_reason(kind: pb.EventKind.ValueType, number: int, reason: ExitReason | None) -> None:
    event = event_from_proto(pb.Event(kind=kind, exit_reason=number))  # type: ignore[arg-type]
    assert event is not None
    assert event.exit_reason is reason


def test_wall_times_come_with_an_origin_only() -> None:
    without = Event(kind=EventKind.ENTERED, rule_id="a", label="a", at=Moment(2, 3 * S), began=Moment(1, S))
    assert not event_to_proto(without).HasField("wall_time")
    event = Event(
        kind=EventKind.ENTERED, rule_id="a", label="a", at=Moment(2, 3 * S), began=Moment(1, S), origin_time_ns=100 * S + 1
    )  # fmt: skip
    message = event_to_proto(event)
    assert (message.wall_time.seconds, message.wall_time.nanos, message.began_wall_time.seconds) == (103, 1, 101)
    assert event.wall_time is not None
    assert event.began_wall_time is not None
    assert (event.wall_time.timestamp(), event.began_wall_time.timestamp()) == (103, 101)


@pytest.mark.parametrize("seconds", [253_402_300_800, 2**63 - 1, -(2**63)], ids=str)
def test_a_wall_time_that_is_out_of_range_is_none(seconds: int) -> None:
    message = pb.Event(
        kind=pb.EVENT_KIND_ENTERED, time_offset=Duration(seconds=1), wall_time=Timestamp(seconds=seconds)
    )
    event = event_from_proto(message)
    assert event is not None
    assert (event.wall_time, event.began_wall_time, event.time_s) == (None, None, 1.0)


def test_a_wall_time_that_a_long_stream_leads_out_of_range_is_absent() -> None:
    event = HealthEvent(
        kind=HealthEventKind.RESUMED, region_id="", at=AT, began=Moment(1, 0), origin_time_ns=253_402_300_799 * S
    )
    message = sent(health_event_to_proto(event))
    assert not message.HasField("wall_time")
    assert message.began_wall_time.seconds == 253_402_300_799
    assert event.wall_time is None
    assert event.began_wall_time is not None
    assert event.began_wall_time.year == 9999


def test_a_suspension_for_a_problem_that_is_not_known_does_not_claim_that_there_was_none() -> None:
    event = HealthEvent(kind=HealthEventKind.SUSPENDED, region_id="left", at=AT, began=BEGAN)
    assert health_event_to_proto(event).problem == pb.HEALTH_PROBLEM_UNSPECIFIED


def test_a_region_that_is_well_again_has_no_problem() -> None:
    event = HealthEvent(kind=HealthEventKind.RESUMED, region_id="left", at=AT, began=BEGAN)
    assert health_event_to_proto(event).problem == pb.HEALTH_PROBLEM_NONE


def test_kinds_that_are_not_known_are_none() -> None:
    assert event_from_proto(pb.Event(kind=99)) is None  # type: ignore[arg-type]
    assert health_event_from_proto(pb.HealthEvent(kind=99)) is None  # type: ignore[arg-type]
    suspended = pb.HealthEvent(kind=pb.HEALTH_EVENT_KIND_SUSPENDED, problem=99)  # type: ignore[arg-type]
    event = health_event_from_proto(suspended)
    assert event is not None
    assert (event.kind, event.problem) == (HealthEventKind.SUSPENDED, None)
    suspended.problem = pb.HEALTH_PROBLEM_BLACK
    known = health_event_from_proto(suspended)
    assert known is not None
    assert known.problem is HealthProblem.BLACK
