"""Domain to protobuf: what calls and streams answer."""

from __future__ import annotations

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from framewatch.v1 import framewatch_pb2 as pb
from framewatch_core.arrays import Float32Array
from framewatch_core.errors import FramewatchError
from framewatch_core.health.monitor import HealthProblem
from framewatch_core.labels.scoring import Activation, LabelScore, ScoreHead
from framewatch_core.labels.warnings import RequestWarning
from framewatch_core.rules.explanations import HeldBackBy, RuleExplanation
from framewatch_core.rules.rule import EventKind, EventRule, EventTrail, RuleEvent
from framewatch_core.stream.messages import (
    ConfigWarnings,
    Dropped,
    DropReason,
    Event,
    Explanation,
    Failed,
    FrameResult,
    Scored,
    Timings,
)
from framewatch_core.time import NS_PER_S
from framewatch_server.vision.towers.encoder import ModelInfo

_DROP_REASONS = {
    DropReason.OVERFLOW: pb.DROP_REASON_OVERFLOW,
    DropReason.FRAME_RATE_LIMIT: pb.DROP_REASON_FRAME_RATE_LIMIT,
}
_EVENT_KINDS = {
    EventKind.ENTERED: pb.EVENT_KIND_ENTERED,
    EventKind.EXITED: pb.EVENT_KIND_EXITED,
}
_HEALTH_EVENT_KINDS = {
    EventKind.SUSPENDED: pb.HEALTH_EVENT_KIND_SUSPENDED,
    EventKind.RESUMED: pb.HEALTH_EVENT_KIND_RESUMED,
}
_HELD_BACK_BY = {reason: pb.HeldBackBy.Value(f"HELD_BACK_BY_{reason.name}") for reason in HeldBackBy}
_SCORE_FUNCTIONS = {
    Activation.SOFTMAX: pb.SCORE_FUNCTION_SOFTMAX,
    Activation.SIGMOID: pb.SCORE_FUNCTION_SIGMOID,
}
_PROBLEM_NUMBERS = {problem: pb.HealthProblem.Value(f"HEALTH_PROBLEM_{problem.name}") for problem in HealthProblem}


def duration(time_ns: int) -> Duration:
    """Nanoseconds as protobuf has them."""
    seconds, nanos = divmod(time_ns, NS_PER_S)
    if seconds < 0 and nanos:  # both parts have the same sign
        seconds, nanos = seconds + 1, nanos - NS_PER_S
    return Duration(seconds=seconds, nanos=nanos)


def timings(value: Timings) -> pb.Timings:
    """Where the time went."""
    return pb.Timings(
        decode=duration(value.decode_ns),
        queue=duration(value.queue_ns),
        inference=duration(value.inference_ns),
        batch_size=value.batch_size,
    )


def warning(value: RequestWarning) -> pb.Warning:
    """Something to know about a request."""
    return pb.Warning(reason=value.reason, message=value.message, field=value.field)


def config_warnings(value: ConfigWarnings) -> pb.ConfigWarnings:
    """What may not be as it was meant in a config."""
    warnings = [warning(each.under("config.label_set")) for each in value.warnings]
    return pb.ConfigWarnings(config_version=value.config_version, warnings=warnings)


def float32_bytes(vectors: Float32Array) -> bytes:
    """Numbers as EmbedResponse has them: little-endian, one row after the other."""
    return vectors.astype("<f4", order="C", copy=False).tobytes()


def model(info: ModelInfo, head: ScoreHead) -> pb.Model:
    """What is loaded."""
    height, width = info.image_size
    return pb.Model(
        name=info.name,
        family=info.family,
        image_width=width,
        image_height=height,
        dimension=info.dimension,
        device=info.device,
        dtype=info.dtype,
        engine=info.engine,
        score_function=_SCORE_FUNCTIONS[head.activation],
        max_text_tokens=info.max_text_tokens,
        revision=info.revision,
        weights_digest=info.weights_digest,
        memory_bytes=info.memory_bytes,
        demo=info.is_demo,
    )


def label_scores(scores: tuple[LabelScore, ...]) -> list[pb.LabelScore]:
    """Scores in their order."""
    return [
        pb.LabelScore(label=s.label, probability=s.probability, similarity=s.similarity, presence=s.presence)
        for s in scores
    ]


def frame_result(result: FrameResult) -> pb.FrameResult:
    """What became of a frame."""
    message = pb.FrameResult(
        frame_id=result.frame_id, time_offset=duration(result.time_ns), config_version=result.config_version
    )
    match result.outcome:
        case Scored(regions, spent, reused_frame_id):
            for region in regions:
                message.scores.regions.add(
                    region_id=region.region_id,
                    scores=label_scores(region.scores),
                    reused_frame_id=reused_frame_id,
                    problem=_problem(region.problem),
                    suspended=region.suspended,
                )
            message.timings.CopyFrom(timings(spent))
        case Dropped(reason):
            message.dropped.reason = _DROP_REASONS[reason]
        case Failed(error):
            message.error.reason = frame_error_reason(error)
            message.error.message = error.message
    return message


def frame_error_reason(error: FramewatchError) -> pb.FrameErrorReason.ValueType:
    """The error's reason as frames have it; one that only calls have is INTERNAL."""
    name = f"FRAME_ERROR_REASON_{error.reason}"
    return pb.FrameErrorReason.Value(name) if name in pb.FrameErrorReason.keys() else pb.FRAME_ERROR_REASON_INTERNAL  # noqa: SIM118


def event(value: Event) -> pb.StreamFramesResponse:
    """The event of a rule or of a region's health."""
    seen = value.seen
    response = pb.StreamFramesResponse()
    message: pb.Event | pb.HealthEvent
    if isinstance(seen, RuleEvent):
        message = response.event
        message.kind = _EVENT_KINDS[seen.kind]
        _add_rule_event(message, seen)
    else:
        message = response.health_event
        message.kind = _HEALTH_EVENT_KINDS[seen.kind]
        message.region_id, message.problem = seen.region, _problem(seen.problem)
    message.event_id = value.event_id
    message.frame_id, message.began_frame_id = seen.at.frame_id, seen.began.frame_id
    message.time_offset.CopyFrom(duration(seen.at.time_ns))
    message.began_time_offset.CopyFrom(duration(seen.began.time_ns))
    if value.origin_time_ns is not None:
        message.wall_time.CopyFrom(_timestamp(value.origin_time_ns + seen.at.time_ns))
        message.began_wall_time.CopyFrom(_timestamp(value.origin_time_ns + seen.began.time_ns))
    return response


def _problem(problem: HealthProblem | None) -> pb.HealthProblem.ValueType:
    return pb.HEALTH_PROBLEM_NONE if problem is None else _PROBLEM_NUMBERS[problem]


def _add_rule_event(message: pb.Event, seen: RuleEvent) -> None:
    rule = seen.rule
    message.rule_id, message.label, message.region_id = rule.name, rule.label, rule.region_id
    message.score, message.peak_score, message.sparse = seen.score, seen.peak, seen.sparse
    if seen.present_ns is not None:
        message.present_duration.CopyFrom(duration(seen.present_ns))
    if seen.trail is not None:
        message.trail.CopyFrom(_trail(seen.trail, rule))


def _trail(trail: EventTrail, rule: EventRule) -> pb.EventTrail:
    message = pb.EventTrail(enter_at=rule.enter_at, exit_below=rule.exit_threshold)
    for point in trail.points:
        message.points.add(
            frame_id=point.at.frame_id,
            time_offset=duration(point.at.time_ns),
            score=point.score,
            smoothed_score=point.smoothed,
        )
    if trail.runner_up is not None:
        message.runner_up.CopyFrom(label_scores((trail.runner_up,))[0])
    return message


def explanation(value: Explanation) -> pb.Explanation:
    """How near all rules are to their next event."""
    return pb.Explanation(rules=[_rule_explanation(rule) for rule in value.rules])


def _rule_explanation(value: RuleExplanation) -> pb.RuleExplanation:
    message = pb.RuleExplanation(
        rule_id=value.rule.name,
        label=value.rule.label,
        region_id=value.rule.region_id,
        next_kind=_EVENT_KINDS[value.next_kind],
        frame_count=value.frame_count,
        score=value.score,
        nearest_score=value.nearest_score,
        threshold=value.threshold,
        longest_held=duration(value.longest_held_ns),
        needed=duration(value.needed_ns),
        held_back_by=_HELD_BACK_BY[value.held_back_by],
        message=value.message,
    )
    if value.nearest is not None:
        message.nearest_frame_id = value.nearest.frame_id
        message.nearest_time_offset.CopyFrom(duration(value.nearest.time_ns))
    return message


def _timestamp(time_ns: int) -> Timestamp:
    seconds, nanos = divmod(time_ns, NS_PER_S)
    return Timestamp(seconds=seconds, nanos=nanos)
