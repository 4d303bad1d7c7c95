"""Protobuf to domain: what requests say. Every error says which field it was."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from google.protobuf.duration_pb2 import Duration

from framewatch.v1 import framewatch_pb2 as pb
from framewatch_core.errors import (
    EmptyImage,
    FieldError,
    FramewatchError,
    InvalidRawImage,
    InvalidRequest,
    MissingField,
)
from framewatch_core.health.monitor import DEFAULT_FROZEN_AFTER_NS, DEFAULT_SETTLE_NS, HealthPolicy, HealthProblem
from framewatch_core.images.image import EncodedImage, Image, PixelFormat, RawImage
from framewatch_core.images.regions import Region
from framewatch_core.labels.labels import DEFAULT_TEMPLATES, Label, LabelSet
from framewatch_core.labels.scoring import ScoreKind
from framewatch_core.rules.rule import DEFAULT_MAX_FRAME_GAP_NS, EventRule
from framewatch_core.stream.messages import Frame, OverflowPolicy, StreamConfig
from framewatch_core.stream.resume import ResumePoint
from framewatch_core.stream.reuse import DEFAULT_MAX_AGE_NS, ReusePolicy
from framewatch_core.time import NS_PER_S

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
_PROBLEMS = {pb.HealthProblem.Value(f"HEALTH_PROBLEM_{problem.name}"): problem for problem in HealthProblem}
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
        kind = _SCORE_KINDS.get(message.score_kind)
        if kind is None:
            raise InvalidRequest(f"score_kind is {message.score_kind}, which is not known", "score_kind")
        return EventRule(
            label=message.label,
            enter_at=message.enter_at,
            exit_below=message.exit_below if message.HasField("exit_below") else None,
            min_present_ns=_optional_ns(message, "min_present", 0),
            min_absent_ns=_optional_ns(message, "min_absent", 0),
            score_kind=kind,
            id=message.id,
            region_id=message.region_id,
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
