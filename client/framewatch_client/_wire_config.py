"""What is asked of the server as protobuf messages; what has its default stays absent."""

from __future__ import annotations

from google.protobuf.duration_pb2 import Duration

from framewatch.v1 import framewatch_pb2 as pb
from framewatch_core.health.monitor import HealthPolicy
from framewatch_core.images.image import EncodedImage, Image, ImageKey, RawImage
from framewatch_core.labels.labels import DEFAULT_TEMPLATES, Label, LabelSet
from framewatch_core.labels.scoring import ScoreKind
from framewatch_core.rules.rule import DEFAULT_MAX_FRAME_GAP_NS, EventRule
from framewatch_core.stream.messages import OverflowPolicy, StreamConfig
from framewatch_core.stream.reuse import ReusePolicy
from framewatch_core.time import NS_PER_S

_OVERFLOW = {
    OverflowPolicy.BLOCK: pb.OVERFLOW_POLICY_BLOCK,
    OverflowPolicy.DROP_OLDEST: pb.OVERFLOW_POLICY_DROP_OLDEST,
}
_SCORE_KINDS = {
    ScoreKind.PROBABILITY: pb.SCORE_KIND_PROBABILITY,
    ScoreKind.SIMILARITY: pb.SCORE_KIND_SIMILARITY,
    ScoreKind.PRESENCE: pb.SCORE_KIND_PRESENCE,
}


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
        ignored=[pb.HealthProblem.Value(f"HEALTH_PROBLEM_{problem.name}") for problem in policy.ignored],
        frozen_after=duration(policy.frozen_after_ns),
        settle_time=duration(policy.settle_ns),
    )


def _rule_message(rule: EventRule) -> pb.EventRule:
    message = pb.EventRule(
        id=rule.id,
        label=rule.label,
        region_id=rule.region_id,
        trail_count=rule.trail_count,
        score_kind=_SCORE_KINDS[rule.score_kind],
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
