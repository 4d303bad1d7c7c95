"""Protobuf messages as the domain's values. Cases and values that this client doesn't know are passed over."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from enum import Enum
from typing import TypeVar

import numpy as np
from google.protobuf.descriptor import EnumDescriptor
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from framewatch.v1 import framewatch_pb2 as pb
from framewatch_client.answers import Classification, ServerWarning, Similarity, SimilarityMatrix, Timings
from framewatch_client.errors import InvalidResponse
from framewatch_client.types import (
    Event,
    EventTrail,
    Explanation,
    FrameError,
    FrameErrorReason,
    FrameResult,
    FrameStatus,
    RuleExplanation,
    StreamStarted,
    TrailPoint,
)
from framewatch_core.health.monitor import HealthProblem
from framewatch_core.labels.scoring import LabelScore
from framewatch_core.rules.explanations import HeldBackBy
from framewatch_core.rules.rule import EventKind
from framewatch_core.stream.messages import DropReason, RegionScores
from framewatch_core.time import NS_PER_S

EnumT = TypeVar("EnumT", bound=Enum)

_PROBLEM_PREFIX = "HEALTH_PROBLEM_"
_STATUSES = {"scores": FrameStatus.SCORED, "dropped": FrameStatus.DROPPED, "error": FrameStatus.FAILED}


def classification(message: pb.ClassifyResponse) -> Classification:
    """The scores of an image."""
    return Classification(
        _scores(message.scores), message.model, timings(message.timings), message, server_warnings(message.warnings)
    )


def similarity(message: pb.SimilarityResponse) -> Similarity:
    """The cosines of a query's candidates."""
    return Similarity(tuple(message.similarities), message.model, timings(message.timings), message)


def similarity_matrix(message: pb.SimilarityResponse, query_count: int, candidate_count: int) -> SimilarityMatrix:
    """The cosines of several queries' candidates.

    Raises:
        InvalidResponse: there are not so many.

    """
    cosines = np.array(message.similarities, dtype=np.float32)
    if len(cosines) != query_count * candidate_count:
        raise InvalidResponse(f"{len(cosines):,} cosines of {query_count:,} queries and {candidate_count:,} candidates")
    matrix = cosines.reshape(query_count, candidate_count)
    return SimilarityMatrix(matrix, message.model, timings(message.timings), message)


def server_warnings(warnings: Iterable[pb.Warning]) -> tuple[ServerWarning, ...]:
    """What may not be as it was meant."""
    return tuple(ServerWarning(warning.reason, warning.message, warning.field) for warning in warnings)


def stream_started(message: pb.StreamFramesResponse) -> StreamStarted:
    """The server's answer to the first config."""
    started = message.started
    return StreamStarted(
        started.model,
        started.config_version,
        started.useful_short_side,
        started.in_flight_frame_count,
        started.max_image_bytes,
        message,
        resumed=started.resumed,
        resume_lifetime_s=_seconds(started.resume_lifetime),
    )


def frame_result(message: pb.StreamFramesResponse) -> FrameResult:
    """What became of a frame."""
    result = message.result
    status = _STATUSES.get(result.WhichOneof("outcome") or "", FrameStatus.UNKNOWN)
    reused = next((r.reused_frame_id for r in result.scores.regions if r.HasField("reused_frame_id")), None)
    return FrameResult(
        frame_id=result.frame_id,
        time_s=_seconds(result.time_offset),
        config_version=result.config_version,
        status=status,
        regions=tuple(_region_scores(region) for region in result.scores.regions),
        drop_reason=known(DropReason, pb.DropReason.DESCRIPTOR, "DROP_REASON_", result.dropped.reason),
        error=_frame_error(result.error) if status is FrameStatus.FAILED else None,
        timings=timings(result.timings) if result.HasField("timings") else None,
        reused_frame_id=reused,
        message=message,
    )


def event(message: pb.StreamFramesResponse) -> Event | None:
    """What happened; None: of a kind that this client doesn't know."""
    if message.HasField("health_event"):
        return _health_event(message)
    seen = message.event
    kind = known(EventKind, pb.EventKind.DESCRIPTOR, "EVENT_KIND_", seen.kind)
    if kind is None:
        return None
    return Event(
        event_id=seen.event_id,
        kind=kind,
        rule_id=seen.rule_id,
        label=seen.label,
        frame_id=seen.frame_id,
        time_s=_seconds(seen.time_offset),
        began_frame_id=seen.began_frame_id,
        began_time_s=_seconds(seen.began_time_offset),
        score=seen.score,
        peak_score=seen.peak_score,
        present_s=_seconds(seen.present_duration) if seen.HasField("present_duration") else None,
        region=seen.region_id,
        sparse=seen.sparse,
        problem=None,
        trail=_trail(seen.trail) if seen.HasField("trail") else None,
        wall_time=_datetime(seen.wall_time) if seen.HasField("wall_time") else None,
        began_wall_time=_datetime(seen.began_wall_time) if seen.HasField("began_wall_time") else None,
        message=message,
    )


def _health_event(message: pb.StreamFramesResponse) -> Event | None:
    seen = message.health_event
    kind = known(EventKind, pb.HealthEventKind.DESCRIPTOR, "HEALTH_EVENT_KIND_", seen.kind)
    if kind is None:
        return None
    return Event(
        event_id=seen.event_id,
        kind=kind,
        rule_id="",
        label="",
        frame_id=seen.frame_id,
        time_s=_seconds(seen.time_offset),
        began_frame_id=seen.began_frame_id,
        began_time_s=_seconds(seen.began_time_offset),
        score=0.0,
        peak_score=0.0,
        present_s=None,
        region=seen.region_id,
        sparse=False,
        problem=_problem(seen.problem),
        trail=None,
        wall_time=_datetime(seen.wall_time) if seen.HasField("wall_time") else None,
        began_wall_time=_datetime(seen.began_wall_time) if seen.HasField("began_wall_time") else None,
        message=message,
    )


def _trail(trail: pb.EventTrail) -> EventTrail:
    points = tuple(
        TrailPoint(point.frame_id, _seconds(point.time_offset), point.score, point.smoothed_score)
        for point in trail.points
    )
    runner_up = _score(trail.runner_up) if trail.HasField("runner_up") else None
    return EventTrail(points, runner_up, trail.enter_at, trail.exit_below)


def explanation(message: pb.StreamFramesResponse) -> Explanation:
    """How near the rules are to their next events."""
    return Explanation(tuple(_rule_explanation(rule) for rule in message.explanation.rules), message)


def _rule_explanation(rule: pb.RuleExplanation) -> RuleExplanation:
    has_nearest = rule.HasField("nearest_score")
    return RuleExplanation(
        rule_id=rule.rule_id,
        label=rule.label,
        region=rule.region_id,
        next_kind=known(EventKind, pb.EventKind.DESCRIPTOR, "EVENT_KIND_", rule.next_kind),
        frame_count=rule.frame_count,
        score=rule.score if rule.HasField("score") else None,
        nearest_score=rule.nearest_score if has_nearest else None,
        nearest_frame_id=rule.nearest_frame_id if has_nearest else None,
        nearest_time_s=_seconds(rule.nearest_time_offset) if has_nearest else None,
        threshold=rule.threshold,
        longest_held_s=_seconds(rule.longest_held),
        needed_s=_seconds(rule.needed),
        held_back_by=known(HeldBackBy, pb.HeldBackBy.DESCRIPTOR, "HELD_BACK_BY_", rule.held_back_by),
        message=rule.message,
    )


def _frame_error(error: pb.FrameError) -> FrameError:
    reason = known(FrameErrorReason, pb.FrameErrorReason.DESCRIPTOR, "FRAME_ERROR_REASON_", error.reason)
    return FrameError(reason, error.message)


def known(kind: type[EnumT], names: EnumDescriptor, prefix: str, number: int) -> EnumT | None:
    """The member of the number's name; None for one that this client doesn't know."""
    value = names.values_by_number.get(number)
    return None if value is None else kind.__members__.get(value.name.removeprefix(prefix))


def _region_scores(message: pb.RegionScores) -> RegionScores:
    return RegionScores(message.region_id, _scores(message.scores), _problem(message.problem), message.suspended)


def _problem(number: int) -> HealthProblem | None:
    return known(HealthProblem, pb.HealthProblem.DESCRIPTOR, _PROBLEM_PREFIX, number)


def _scores(scores: Iterable[pb.LabelScore]) -> tuple[LabelScore, ...]:
    return tuple(map(_score, scores))


def _score(score: pb.LabelScore) -> LabelScore:
    presence = score.presence if score.HasField("presence") else None
    return LabelScore(score.label, score.probability, score.similarity, presence)


def timings(spent: pb.Timings) -> Timings:
    """Where the time of a request went."""
    return Timings(_seconds(spent.decode), _seconds(spent.queue), _seconds(spent.inference), spent.batch_size)


def _seconds(time: Duration) -> float:
    return time.seconds + time.nanos / NS_PER_S


def _datetime(time: Timestamp) -> datetime:
    return time.ToDatetime(tzinfo=UTC)
