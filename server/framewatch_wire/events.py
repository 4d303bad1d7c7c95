"""Events of rules and health events."""

from __future__ import annotations

from google.protobuf.timestamp_pb2 import Timestamp

from framewatch.v1 import framewatch_pb2 as pb
from framewatch_core.health.events import HealthEvent, HealthEventKind
from framewatch_core.rules.events import Event, EventTrail, StreamEvent, TrailPoint
from framewatch_core.time import Moment
from framewatch_wire.durations import (
    duration_from_proto,
    duration_to_proto,
    has_timestamp,
    timestamp_from_proto,
    timestamp_to_proto,
)
from framewatch_wire.enums import EVENT_KINDS, EXIT_REASONS, HEALTH_EVENT_KINDS, HEALTH_PROBLEMS
from framewatch_wire.labels import label_score_from_proto, label_score_to_proto


def event_to_proto(event: Event) -> pb.Event:
    """Returns a rule's event as a message."""
    message = pb.Event(
        event_id=event.event_id,
        kind=EVENT_KINDS.to_proto(event.kind),
        rule_id=event.rule_id,
        label=event.label,
        region_id=event.region_id,
        score=event.score,
        peak_score=event.peak_score,
        sparse=event.sparse,
        exit_reason=EXIT_REASONS.to_proto(event.exit_reason),
    )
    _add_moments(message, event)
    if event.present_ns is not None:
        message.present_duration.CopyFrom(duration_to_proto(event.present_ns))
    if event.trail is not None:
        message.trail.CopyFrom(_trail_to_proto(event.trail))
    return message


def event_from_proto(message: pb.Event) -> Event | None:
    """Returns a rule's event; None: it is of a kind that is not known here."""
    kind = EVENT_KINDS.from_proto(message.kind)
    if kind is None:
        return None
    return Event(
        event_id=message.event_id,
        kind=kind,
        rule_id=message.rule_id,
        label=message.label,
        region_id=message.region_id,
        at=_at(message),
        began=_began(message),
        origin_time_ns=_origin_time_ns(message),
        score=message.score,
        peak_score=message.peak_score,
        present_ns=duration_from_proto(message.present_duration) if message.HasField("present_duration") else None,
        sparse=message.sparse,
        trail=_trail_from_proto(message.trail) if message.HasField("trail") else None,
        exit_reason=EXIT_REASONS.from_proto(message.exit_reason),
    )


def health_event_to_proto(event: HealthEvent) -> pb.HealthEvent:
    """Returns a health event as a message."""
    message = pb.HealthEvent(
        event_id=event.event_id,
        kind=HEALTH_EVENT_KINDS.to_proto(event.kind),
        region_id=event.region_id,
        problem=_problem_to_proto(event),
    )
    _add_moments(message, event)
    return message


def _problem_to_proto(event: HealthEvent) -> pb.HealthProblem.ValueType:
    if event.problem is None and event.kind is HealthEventKind.SUSPENDED:
        return pb.HEALTH_PROBLEM_UNSPECIFIED  # not NONE: there was one, which is not known here
    return HEALTH_PROBLEMS.to_proto(event.problem)


def health_event_from_proto(message: pb.HealthEvent) -> HealthEvent | None:
    """Returns a health event; None: it is of a kind that is not known here."""
    kind = HEALTH_EVENT_KINDS.from_proto(message.kind)
    if kind is None:
        return None
    return HealthEvent(
        event_id=message.event_id,
        kind=kind,
        region_id=message.region_id,
        problem=HEALTH_PROBLEMS.from_proto(message.problem),
        at=_at(message),
        began=_began(message),
        origin_time_ns=_origin_time_ns(message),
    )


def _add_moments(message: pb.Event | pb.HealthEvent, event: StreamEvent) -> None:
    message.frame_id, message.began_frame_id = event.at.frame_id, event.began.frame_id
    message.time_offset.CopyFrom(duration_to_proto(event.at.time_ns))
    message.began_time_offset.CopyFrom(duration_to_proto(event.began.time_ns))
    if event.origin_time_ns is not None:
        _set_wall_time(message.wall_time, event.origin_time_ns + event.at.time_ns)
        _set_wall_time(message.began_wall_time, event.origin_time_ns + event.began.time_ns)


def _set_wall_time(message: Timestamp, time_ns: int) -> None:
    """Sets a wall time; one that no Timestamp can have stays absent."""
    if has_timestamp(time_ns):
        message.CopyFrom(timestamp_to_proto(time_ns))


def _at(message: pb.Event | pb.HealthEvent) -> Moment:
    return Moment(message.frame_id, duration_from_proto(message.time_offset))


def _began(message: pb.Event | pb.HealthEvent) -> Moment:
    return Moment(message.began_frame_id, duration_from_proto(message.began_time_offset))


def _origin_time_ns(message: pb.Event | pb.HealthEvent) -> int | None:
    wall_time_ns = timestamp_from_proto(message.wall_time)
    if not message.HasField("wall_time") or not has_timestamp(wall_time_ns):
        return None
    return wall_time_ns - duration_from_proto(message.time_offset)


def _trail_to_proto(trail: EventTrail) -> pb.EventTrail:
    message = pb.EventTrail(enter_at=trail.enter_at, exit_below=trail.exit_below)
    for point in trail.points:
        message.points.add(
            frame_id=point.at.frame_id,
            time_offset=duration_to_proto(point.at.time_ns),
            score=point.score,
            smoothed_score=point.smoothed_score,
        )
    if trail.runner_up is not None:
        message.runner_up.CopyFrom(label_score_to_proto(trail.runner_up))
    return message


def _trail_from_proto(message: pb.EventTrail) -> EventTrail:
    points = tuple(
        TrailPoint(
            Moment(point.frame_id, duration_from_proto(point.time_offset)),
            score=point.score,
            smoothed_score=point.smoothed_score,
        )
        for point in message.points
    )
    runner_up = label_score_from_proto(message.runner_up) if message.HasField("runner_up") else None
    return EventTrail(points, runner_up, message.enter_at, message.exit_below)
