"""What rules say of recorded scores, as if a server had said it."""

from __future__ import annotations

from framewatch.v1 import framewatch_pb2 as pb
from framewatch_client import Event
from framewatch_client import _wire as wire
from framewatch_client import _wire_config as wire_config
from framewatch_core.labels.scoring import LabelScore
from framewatch_core.rules.rule import EventRule, EventTrail, RuleEvent


def replayed_event(seen: RuleEvent, number: int) -> Event:
    """The event, `number` in its id."""
    event = wire.event(pb.StreamFramesResponse(event=_event_message(seen, number)))
    if event is None:
        raise ValueError(f"{seen.kind} is no kind of event that the client knows")
    return event


def _event_message(seen: RuleEvent, number: int) -> pb.Event:
    message = pb.Event(
        event_id=f"replay-{number}",
        kind=pb.EventKind.Value(f"EVENT_KIND_{seen.kind.name}"),
        rule_id=seen.rule.name,
        label=seen.rule.label,
        region_id=seen.rule.region_id,
        frame_id=seen.at.frame_id,
        time_offset=wire_config.duration(seen.at.time_ns),
        began_frame_id=seen.began.frame_id,
        began_time_offset=wire_config.duration(seen.began.time_ns),
        score=seen.score,
        peak_score=seen.peak,
        sparse=seen.sparse,
    )
    if seen.present_ns is not None:
        message.present_duration.CopyFrom(wire_config.duration(seen.present_ns))
    if seen.trail is not None:
        message.trail.CopyFrom(_trail_message(seen.trail, seen.rule))
    return message


def _trail_message(trail: EventTrail, rule: EventRule) -> pb.EventTrail:
    points = [
        pb.TrailPoint(
            frame_id=point.at.frame_id,
            time_offset=wire_config.duration(point.at.time_ns),
            score=point.score,
            smoothed_score=point.smoothed,
        )
        for point in trail.points
    ]
    runner_up = None if trail.runner_up is None else _score_message(trail.runner_up)
    return pb.EventTrail(points=points, runner_up=runner_up, enter_at=rule.enter_at, exit_below=rule.exit_threshold)


def _score_message(score: LabelScore) -> pb.LabelScore:
    return pb.LabelScore(
        label=score.label, probability=score.probability, similarity=score.similarity, presence=score.presence
    )
