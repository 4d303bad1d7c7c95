"""Protobuf to domain and back. Every error says which field it was."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from framewatch.v1 import framewatch_pb2 as pb
from framewatch_core.errors import (
    EmptyImage,
    FieldError,
    FramewatchError,
    InvalidRawImage,
    InvalidRequest,
    MissingField,
)
from framewatch_core.frames import (
    ConfigWarnings,
    Dropped,
    DropReason,
    Event,
    Explanation,
    Failed,
    Frame,
    FrameResult,
    OverflowPolicy,
    Scored,
    StreamConfig,
    Timings,
)
from framewatch_core.health import DEFAULT_FROZEN_AFTER_NS, DEFAULT_SETTLE_NS, HealthPolicy, HealthProblem
from framewatch_core.images import EncodedImage, Image, PixelFormat, RawImage
from framewatch_core.labels import DEFAULT_TEMPLATES, Label, LabelSet
from framewatch_core.regions import Region
from framewatch_core.request_warnings import RequestWarning
from framewatch_core.rule_explanations import HeldBackBy, RuleExplanation
from framewatch_core.rules import DEFAULT_MAX_FRAME_GAP_NS, NS_PER_S, EventKind, EventRule, EventTrail, RuleEvent
from framewatch_core.scoring import Activation, Float32Array, LabelScore, ScoreHead, ScoreKind
from framewatch_core.session_state import ResumePoint
from framewatch_core.stillness import DEFAULT_MAX_AGE_NS, ReusePolicy
from framewatch_server.vision.encoder import ModelInfo

_PIXEL_FORMATS = {
    pb.PIXEL_FORMAT_RGB24: PixelFormat.RGB24,
    pb.PIXEL_FORMAT_BGR24: PixelFormat.BGR24,
    pb.PIXEL_FORMAT_GRAY8: PixelFormat.GRAY8,
    pb.PIXEL_FORMAT_BGRA32: PixelFormat.BGRA32,
    pb.PIXEL_FORMAT_NV12: PixelFormat.NV12,
    pb.PIXEL_FORMAT_I420: PixelFormat.I420,
}
_OVERFLOW_POLICIES = {
    pb.OVERFLOW_POLICY_UNSPECIFIED: OverflowPolicy.BLOCK,
    pb.OVERFLOW_POLICY_BLOCK: OverflowPolicy.BLOCK,
    pb.OVERFLOW_POLICY_DROP_OLDEST: OverflowPolicy.DROP_OLDEST,
}
_SCORE_KINDS = {
    pb.SCORE_KIND_UNSPECIFIED: ScoreKind.PROBABILITY,
    pb.SCORE_KIND_PROBABILITY: ScoreKind.PROBABILITY,
    pb.SCORE_KIND_SIMILARITY: ScoreKind.SIMILARITY,
    pb.SCORE_KIND_PRESENCE: ScoreKind.PRESENCE,
}
_DROP_REASONS = {
    DropReason.OVERFLOW: pb.DROP_REASON_OVERFLOW,
    DropReason.FRAME_RATE_LIMIT: pb.DROP_REASON_FRAME_RATE_LIMIT,
}
_EVENT_KINDS = {kind: pb.EventKind.Value(f"EVENT_KIND_{kind.name}") for kind in EventKind}
_PROBLEMS = {pb.HealthProblem.Value(f"HEALTH_PROBLEM_{problem.name}"): problem for problem in HealthProblem}
_HELD_BACK_BY = {reason: pb.HeldBackBy.Value(f"HELD_BACK_BY_{reason.name}") for reason in HeldBackBy}
_PROBLEM_NUMBERS = {problem: number for number, problem in _PROBLEMS.items()}
_SCORE_FUNCTIONS = {
    Activation.SOFTMAX: pb.SCORE_FUNCTION_SOFTMAX,
    Activation.SIGMOID: pb.SCORE_FUNCTION_SIGMOID,
}
_MAX_DURATION_S = 315_576_000_000  # of google.protobuf.Duration


@contextmanager
def under(path: str) -> Iterator[None]:
    """Puts a path in front of the field of errors raised inside."""
    try:
        yield
    except FieldError as error:
        raise error.under(path) from None


def to_image(message: pb.Image) -> Image:
    """An image, its pixels not yet looked at. Field paths are below the image."""
    match message.WhichOneof("content"):
        case "encoded":
            return EncodedImage(message.encoded)
        case "raw":
            return _to_raw(message.raw)
        case _:
            raise EmptyImage("the image is missing: set `encoded` or `raw`")


def _to_raw(message: pb.RawImage) -> RawImage:
    pixel_format = _PIXEL_FORMATS.get(message.pixel_format)
    if pixel_format is None:
        known = ", ".join(f.name for f in PixelFormat)
        raise InvalidRawImage(f"pixel_format is {message.pixel_format}: expected one of {known}", "raw.pixel_format")
    return RawImage(message.data, message.width, message.height, pixel_format, message.row_stride_bytes)


def to_label_set(message: pb.LabelSet) -> LabelSet:
    """A label set. Field paths are below the set."""
    templates = tuple(message.templates.templates) if message.HasField("templates") else DEFAULT_TEMPLATES
    return LabelSet(tuple(_to_label(label, i) for i, label in enumerate(message.labels)), templates)


def _to_label(message: pb.Label, index: int) -> Label:
    with under(f"labels[{index}]"):
        return Label(
            name=message.name,
            prompts=tuple(message.prompts),
            contrast_prompts=tuple(message.contrast_prompts),
            examples=tuple(to_images(message.examples, "examples").values()),
            counter_examples=tuple(to_images(message.counter_examples, "counter_examples").values()),
        )


def to_images(messages: Iterable[pb.Image], field: str) -> dict[str, Image]:
    """Images by their paths, `field[i]`."""
    images = {}
    for i, message in enumerate(messages):
        path = f"{field}[{i}]"
        with under(path):
            images[path] = to_image(message)
    return images


def to_config(message: pb.StreamConfig) -> StreamConfig:
    """A stream's config. Field paths begin with `config`."""
    with under("config"):
        if not message.HasField("label_set"):
            raise MissingField("the config has no label_set: say what to watch for", "label_set")
        with under("label_set"):
            label_set = to_label_set(message.label_set)
        policy = _OVERFLOW_POLICIES.get(message.overflow_policy)
        if policy is None:
            raise InvalidRequest(f"overflow_policy is {message.overflow_policy}, which is not known", "overflow_policy")
        return StreamConfig(
            label_set=label_set,
            rules=tuple(_to_rule(rule, i) for i, rule in enumerate(message.rules)),
            overflow_policy=policy,
            top_count=message.top_count,
            max_frame_rate=message.max_frame_rate if message.HasField("max_frame_rate") else None,
            max_frame_gap_ns=_optional_ns(message, "max_frame_gap", DEFAULT_MAX_FRAME_GAP_NS),
            origin_time_ns=message.origin_time.ToNanoseconds() if message.HasField("origin_time") else None,
            model=message.model,
            reuse=_to_reuse(message.reuse),
            regions=tuple(_to_region(region, i) for i, region in enumerate(message.regions)),
            health=_to_health(message.health),
        )


def _to_region(message: pb.Region, index: int) -> Region:
    with under(f"regions[{index}]"):
        return Region(message.id, message.x, message.y, message.width, message.height)


def _to_health(message: pb.HealthPolicy) -> HealthPolicy:
    with under("health"):
        unknown = [number for number in message.ignored if number not in _PROBLEMS]
        if unknown:
            raise InvalidRequest(f"ignored has {unknown[0]}, which is no known problem", "ignored")
        return HealthPolicy(
            disabled=message.disabled,
            ignored=frozenset(_PROBLEMS[number] for number in message.ignored),
            frozen_after_ns=_optional_ns(message, "frozen_after", DEFAULT_FROZEN_AFTER_NS),
            settle_ns=_optional_ns(message, "settle_time", DEFAULT_SETTLE_NS),
        )


def to_resume_point(message: pb.StreamConfig) -> ResumePoint | None:
    """What the config says of a stream that was lost; None: nothing."""
    if not message.HasField("resume"):
        return None
    resume = message.resume
    last_frame_id = resume.last_frame_id if resume.HasField("last_frame_id") else None
    return ResumePoint(resume.token, last_frame_id, resume.last_event_id)


def _to_reuse(message: pb.Reuse) -> ReusePolicy:
    with under("reuse"):
        return ReusePolicy(message.change_threshold, _optional_ns(message, "max_age", DEFAULT_MAX_AGE_NS))


def _to_rule(message: pb.EventRule, index: int) -> EventRule:
    with under(f"rules[{index}]"):
        if not message.HasField("enter_at"):
            raise MissingField("the rule has no enter_at: give the score from which on the label is there", "enter_at")
        kind = _SCORE_KINDS.get(message.score)
        if kind is None:
            raise InvalidRequest(f"score is {message.score}, which is not known", "score")
        return EventRule(
            label=message.label,
            enter_at=message.enter_at,
            exit_below=message.exit_below if message.HasField("exit_below") else None,
            min_present_ns=_optional_ns(message, "min_present", 0),
            min_absent_ns=_optional_ns(message, "min_absent", 0),
            score=kind,
            id=message.id,
            region=message.region,
            cooldown_ns=_optional_ns(message, "cooldown", 0),
            smoothing_ns=_optional_ns(message, "smoothing", 0),
            trail_count=message.trail_count,
        )


def _optional_ns(
    message: pb.StreamConfig | pb.EventRule | pb.Reuse | pb.HealthPolicy, field: str, default_ns: int
) -> int:
    if not message.HasField(field):  # type: ignore[arg-type]
        return default_ns
    with under(field):
        return to_ns(getattr(message, field))


def to_ns(duration: Duration) -> int:
    """A duration in nanoseconds. Raises InvalidRequest if its parts don't fit each other, without a path."""
    signs_differ = duration.seconds * duration.nanos < 0
    if abs(duration.nanos) >= NS_PER_S or abs(duration.seconds) > _MAX_DURATION_S or signs_differ:
        raise InvalidRequest(f"the duration of {duration.seconds} s and {duration.nanos} ns is out of range")
    return duration.seconds * NS_PER_S + duration.nanos


def to_frame(message: pb.Frame) -> Frame[Image]:
    """A frame; what is wrong with it comes as its image, for it must not end the stream."""
    image: Image | FramewatchError
    time_ns = None
    try:
        if message.HasField("time_offset"):
            with under("frame.time_offset"):
                time_ns = to_ns(message.time_offset)
        with under("frame.image"):
            image = to_image(message.image)
    except FramewatchError as error:
        image = error
    return Frame(message.frame_id, time_ns, image)


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
                    problem=None if region.problem is None else _PROBLEM_NUMBERS[region.problem],
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


def event(value: Event) -> pb.Event:
    """What happened."""
    seen = value.seen
    message = pb.Event(
        event_id=value.event_id,
        kind=_EVENT_KINDS[seen.kind],
        frame_id=seen.at.frame_id,
        time_offset=duration(seen.at.time_ns),
        began_frame_id=seen.began.frame_id,
        began_time_offset=duration(seen.began.time_ns),
    )
    if isinstance(seen, RuleEvent):
        _add_rule_event(message, seen)
    else:
        message.region = seen.region
        message.problem = pb.HEALTH_PROBLEM_UNSPECIFIED if seen.problem is None else _PROBLEM_NUMBERS[seen.problem]
    if value.origin_time_ns is not None:
        message.wall_time.CopyFrom(_timestamp(value.origin_time_ns + seen.at.time_ns))
        message.began_wall_time.CopyFrom(_timestamp(value.origin_time_ns + seen.began.time_ns))
    return message


def _add_rule_event(message: pb.Event, seen: RuleEvent) -> None:
    rule = seen.rule
    message.rule_id, message.label, message.region = rule.name, rule.label, rule.region
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
        region=value.rule.region,
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
