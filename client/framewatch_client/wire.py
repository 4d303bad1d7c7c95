"""Between protobuf messages and the domain. Cases and values that this client doesn't know are passed over."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from enum import Enum
from typing import TypeVar

from google.protobuf.descriptor import EnumDescriptor
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from framewatch.v1 import framewatch_pb2 as pb
from framewatch_client.types import (
    Classification,
    Event,
    EventTrail,
    Explanation,
    FrameError,
    FrameErrorReason,
    FrameResult,
    FrameStatus,
    RuleExplanation,
    Similarity,
    StreamStarted,
    Timings,
    TrailPoint,
)
from framewatch_core.frames import DropReason, OverflowPolicy, RegionScores, StreamConfig
from framewatch_core.health import HealthPolicy, HealthProblem
from framewatch_core.images import EncodedImage, Image, ImageKey, RawImage
from framewatch_core.labels import DEFAULT_TEMPLATES, Label, LabelSet
from framewatch_core.rule_explanations import HeldBackBy
from framewatch_core.rules import DEFAULT_MAX_FRAME_GAP_NS, NS_PER_S, EventKind, EventRule
from framewatch_core.scoring import LabelScore, ScoreKind
from framewatch_core.stillness import ReusePolicy

EnumT = TypeVar("EnumT", bound=Enum)

_OVERFLOW = {
    OverflowPolicy.BLOCK: pb.OVERFLOW_POLICY_BLOCK,
    OverflowPolicy.DROP_OLDEST: pb.OVERFLOW_POLICY_DROP_OLDEST,
}
_SCORE_KINDS = {
    ScoreKind.PROBABILITY: pb.SCORE_KIND_PROBABILITY,
    ScoreKind.SIMILARITY: pb.SCORE_KIND_SIMILARITY,
    ScoreKind.PRESENCE: pb.SCORE_KIND_PRESENCE,
}
_PROBLEM_PREFIX = "HEALTH_PROBLEM_"
_STATUSES = {"scores": FrameStatus.SCORED, "dropped": FrameStatus.DROPPED, "error": FrameStatus.FAILED}


def duration(time_ns: int) -> Duration:
    """Nanoseconds, not negative, as a Duration."""
    return Duration(seconds=time_ns // NS_PER_S, nanos=time_ns % NS_PER_S)


def label_set_message(label_set: LabelSet) -> pb.LabelSet:
    """The label set; default templates are left to the server."""
    message = pb.LabelSet(labels=[_label_message(label) for label in label_set.labels])
    if label_set.templates != DEFAULT_TEMPLATES:
        message.templates.CopyFrom(pb.PromptTemplates(templates=label_set.templates))
    return message


def _label_message(label: Label) -> pb.Label:
    return pb.Label(
        name=label.name,
        prompts=label.prompts,
        contrast_prompts=label.contrast_prompts,
        examples=[_image_message(image) for image in label.examples],
        counter_examples=[_image_message(image) for image in label.counter_examples],
    )


def _image_message(image: Image | ImageKey) -> pb.Image:
    match image:
        case EncodedImage(data):
            return pb.Image(encoded=data)
        case RawImage(data, width, height, pixel_format, row_stride_bytes):
            raw = pb.RawImage(data=data, width=width, height=height, row_stride_bytes=row_stride_bytes)
            raw.pixel_format = pb.PixelFormat.Value(f"PIXEL_FORMAT_{pixel_format.name}")
            return pb.Image(raw=raw)
        case ImageKey():
            raise ValueError("an example is only known by its key: give the picture")


def config_message(config: StreamConfig) -> pb.StreamConfig:
    """The config; what has its default stays absent."""
    message = pb.StreamConfig(
        model=config.model,
        label_set=label_set_message(config.label_set),
        rules=[_rule_message(rule) for rule in config.rules],
        overflow_policy=_OVERFLOW[config.overflow_policy],
        top_count=config.top_count,
        max_frame_rate=config.max_frame_rate,
        regions=[pb.Region(id=r.id, x=r.x, y=r.y, width=r.width, height=r.height) for r in config.regions],
    )
    if config.max_frame_gap_ns != DEFAULT_MAX_FRAME_GAP_NS:
        message.max_frame_gap.CopyFrom(duration(config.max_frame_gap_ns))
    if config.origin_time_ns is not None:
        message.origin_time.FromNanoseconds(config.origin_time_ns)
    if config.reuse != ReusePolicy():
        message.reuse.change_threshold = config.reuse.change_threshold
        message.reuse.max_age.CopyFrom(duration(config.reuse.max_age_ns))
    if config.health != HealthPolicy():
        message.health.CopyFrom(_health_message(config.health))
    return message


def _health_message(policy: HealthPolicy) -> pb.HealthPolicy:
    return pb.HealthPolicy(
        disabled=policy.disabled,
        ignored=[pb.HealthProblem.Value(f"{_PROBLEM_PREFIX}{problem.name}") for problem in policy.ignored],
        frozen_after=duration(policy.frozen_after_ns),
        settle_time=duration(policy.settle_ns),
    )


def _rule_message(rule: EventRule) -> pb.EventRule:
    message = pb.EventRule(
        id=rule.id,
        label=rule.label,
        region=rule.region,
        trail_count=rule.trail_count,
        score=_SCORE_KINDS[rule.score],
        enter_at=rule.enter_at,
        exit_below=rule.exit_below,
    )
    if rule.min_present_ns:
        message.min_present.CopyFrom(duration(rule.min_present_ns))
    if rule.min_absent_ns:
        message.min_absent.CopyFrom(duration(rule.min_absent_ns))
    if rule.cooldown_ns:
        message.cooldown.CopyFrom(duration(rule.cooldown_ns))
    if rule.smoothing_ns:
        message.smoothing.CopyFrom(duration(rule.smoothing_ns))
    return message


def classification(message: pb.ClassifyResponse) -> Classification:
    """The scores of an image."""
    return Classification(_scores(message.scores), message.model, _timings(message.timings), message)


def similarity(message: pb.SimilarityResponse) -> Similarity:
    """The cosines of a query's candidates."""
    return Similarity(tuple(message.similarities), message.model, _timings(message.timings), message)


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
        drop_reason=_known(DropReason, pb.DropReason.DESCRIPTOR, "DROP_REASON_", result.dropped.reason),
        error=_frame_error(result.error) if status is FrameStatus.FAILED else None,
        timings=_timings(result.timings) if result.HasField("timings") else None,
        reused_frame_id=reused,
        message=message,
    )


def event(message: pb.StreamFramesResponse) -> Event | None:
    """What happened; None: of a kind that this client doesn't know."""
    seen = message.event
    kind = _known(EventKind, pb.EventKind.DESCRIPTOR, "EVENT_KIND_", seen.kind)
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
        region=seen.region,
        sparse=seen.sparse,
        problem=_problem(seen.problem),
        trail=_trail(seen.trail) if seen.HasField("trail") else None,
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
        region=rule.region,
        next_kind=_known(EventKind, pb.EventKind.DESCRIPTOR, "EVENT_KIND_", rule.next_kind),
        frame_count=rule.frame_count,
        score=rule.score if rule.HasField("score") else None,
        nearest_score=rule.nearest_score if has_nearest else None,
        nearest_frame_id=rule.nearest_frame_id if has_nearest else None,
        nearest_time_s=_seconds(rule.nearest_time_offset) if has_nearest else None,
        threshold=rule.threshold,
        longest_held_s=_seconds(rule.longest_held),
        needed_s=_seconds(rule.needed),
        held_back_by=_known(HeldBackBy, pb.HeldBackBy.DESCRIPTOR, "HELD_BACK_BY_", rule.held_back_by),
        message=rule.message,
    )


def _frame_error(error: pb.FrameError) -> FrameError:
    reason = _known(FrameErrorReason, pb.FrameErrorReason.DESCRIPTOR, "FRAME_ERROR_REASON_", error.reason)
    return FrameError(reason, error.message)


def _known(kind: type[EnumT], names: EnumDescriptor, prefix: str, number: int) -> EnumT | None:
    """The member of the number's name; None for one that this client doesn't know."""
    value = names.values_by_number.get(number)
    return None if value is None else kind.__members__.get(value.name.removeprefix(prefix))


def _region_scores(message: pb.RegionScores) -> RegionScores:
    return RegionScores(message.region_id, _scores(message.scores), _problem(message.problem), message.suspended)


def _problem(number: int) -> HealthProblem | None:
    return _known(HealthProblem, pb.HealthProblem.DESCRIPTOR, _PROBLEM_PREFIX, number)


def _scores(scores: Iterable[pb.LabelScore]) -> tuple[LabelScore, ...]:
    return tuple(map(_score, scores))


def _score(score: pb.LabelScore) -> LabelScore:
    presence = score.presence if score.HasField("presence") else None
    return LabelScore(score.label, score.probability, score.similarity, presence)


def _timings(timings: pb.Timings) -> Timings:
    return Timings(_seconds(timings.decode), _seconds(timings.queue), _seconds(timings.inference), timings.batch_size)


def _seconds(time: Duration) -> float:
    return time.seconds + time.nanos / NS_PER_S


def _datetime(time: Timestamp) -> datetime:
    return time.ToDatetime(tzinfo=UTC)
