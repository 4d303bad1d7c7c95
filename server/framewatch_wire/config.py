"""Settings of a stream, and the position from which it resumes."""

from __future__ import annotations

from framewatch.v1 import framewatch_pb2 as pb
from framewatch_core.errors import InvalidRequest, MissingField
from framewatch_core.health.monitor import DEFAULT_FROZEN_AFTER_NS, DEFAULT_SETTLE_NS, HealthPolicy
from framewatch_core.health.problem import HealthProblem
from framewatch_core.images.regions import Region
from framewatch_core.labels.scoring import ScoreKind
from framewatch_core.limits import check_name
from framewatch_core.resume_point import ResumePoint
from framewatch_core.rules.rule import DEFAULT_MAX_FRAME_GAP_NS, DEFAULT_MIN_TIME_NS, EventRule
from framewatch_core.stream.config import OverflowPolicy, StreamConfig
from framewatch_core.stream.reuse import DEFAULT_MAX_AGE_NS, ReusePolicy
from framewatch_wire.durations import (
    checked_duration_from_proto,
    checked_timestamp_from_proto,
    duration_to_proto,
    timestamp_to_proto,
)
from framewatch_wire.enums import HEALTH_PROBLEMS, OVERFLOW_POLICIES, SCORE_KINDS
from framewatch_wire.fields import under
from framewatch_wire.labels import label_set_from_proto, label_set_to_proto
from framewatch_wire.requests.counts import check_counts


def config_to_proto(config: StreamConfig) -> pb.StreamConfig:
    """Returns a config as a message; what has its default stays absent. Raises ValueError: an example is only a key."""
    message = pb.StreamConfig(
        model=config.model,
        label_set=label_set_to_proto(config.label_set),
        rules=map(_rule_to_proto, config.rules),
        overflow_policy=OVERFLOW_POLICIES.to_proto(config.overflow_policy),
        top_count=config.top_count,
        max_frame_rate=config.max_frame_rate,
        regions=map(_region_to_proto, config.regions),
    )
    if config.max_frame_gap_ns != DEFAULT_MAX_FRAME_GAP_NS:
        message.max_frame_gap.CopyFrom(duration_to_proto(config.max_frame_gap_ns))
    if config.origin_time_ns is not None:
        message.origin_time.CopyFrom(timestamp_to_proto(config.origin_time_ns))
    if config.reuse != ReusePolicy():
        message.reuse.change_threshold = config.reuse.change_threshold
        message.reuse.max_age.CopyFrom(duration_to_proto(config.reuse.max_age_ns))
    if config.health != HealthPolicy():
        message.health.CopyFrom(_health_to_proto(config.health))
    return message


def config_from_proto(message: pb.StreamConfig) -> StreamConfig:
    """Returns a stream's config. Raises InvalidRequest, LimitExceeded with a path that begins with `config`."""
    with under("config"):
        check_counts(message)
        if not message.HasField("label_set"):
            raise MissingField("the config has no label_set: give the labels to look for", "label_set")
        with under("label_set"):
            label_set = label_set_from_proto(message.label_set)
        return StreamConfig(
            label_set=label_set,
            rules=tuple(_rule_from_proto(rule, i) for i, rule in enumerate(message.rules)),
            overflow_policy=_overflow_policy(message.overflow_policy),
            top_count=message.top_count,
            max_frame_rate=message.max_frame_rate if message.HasField("max_frame_rate") else None,
            max_frame_gap_ns=_optional_ns(message, "max_frame_gap", DEFAULT_MAX_FRAME_GAP_NS),
            origin_time_ns=_origin_time_ns(message),
            model=message.model,
            reuse=_reuse_from_proto(message.reuse),
            regions=tuple(_region_from_proto(region, i) for i, region in enumerate(message.regions)),
            health=_health_from_proto(message.health),
        )


def _origin_time_ns(message: pb.StreamConfig) -> int | None:
    if not message.HasField("origin_time"):
        return None
    with under("origin_time"):
        return checked_timestamp_from_proto(message.origin_time)


def _overflow_policy(number: int) -> OverflowPolicy:
    if number == pb.OVERFLOW_POLICY_UNSPECIFIED:
        return OverflowPolicy.BLOCK
    policy = OVERFLOW_POLICIES.from_proto(number)
    if policy is None:
        raise InvalidRequest(f"overflow_policy is {number}, which is not known", "overflow_policy")
    return policy


def _region_to_proto(region: Region) -> pb.Region:
    return pb.Region(id=region.id, x=region.x, y=region.y, width=region.width, height=region.height)


def _region_from_proto(message: pb.Region, index: int) -> Region:
    with under(f"regions[{index}]"):
        return Region(message.id, message.x, message.y, message.width, message.height)


def _health_to_proto(policy: HealthPolicy) -> pb.HealthPolicy:
    return pb.HealthPolicy(
        disabled=policy.disabled,
        ignored=map(HEALTH_PROBLEMS.to_proto, policy.ignored),
        frozen_after=duration_to_proto(policy.frozen_after_ns),
        settle_time=duration_to_proto(policy.settle_ns),
    )


def _health_from_proto(message: pb.HealthPolicy) -> HealthPolicy:
    with under("health"):
        check_counts(message)
        return HealthPolicy(
            disabled=message.disabled,
            ignored=frozenset(map(_ignored_problem, message.ignored)),
            frozen_after_ns=_optional_ns(message, "frozen_after", DEFAULT_FROZEN_AFTER_NS),
            settle_ns=_optional_ns(message, "settle_time", DEFAULT_SETTLE_NS),
        )


def _ignored_problem(number: int) -> HealthProblem:
    problem = HEALTH_PROBLEMS.from_proto(number)
    if problem is None:
        raise InvalidRequest(f"ignored has {number}, which is no known problem", "ignored")
    return problem


def _reuse_from_proto(message: pb.Reuse) -> ReusePolicy:
    with under("reuse"):
        return ReusePolicy(message.change_threshold, _optional_ns(message, "max_age", DEFAULT_MAX_AGE_NS))


def _rule_to_proto(rule: EventRule) -> pb.EventRule:
    message = pb.EventRule(
        id=rule.id,
        label=rule.label,
        region_id=rule.region_id,
        trail_count=rule.trail_count,
        score_kind=SCORE_KINDS.to_proto(rule.score_kind),
        enter_at=rule.enter_at,
        exit_below=rule.exit_below,
    )
    message.min_present.CopyFrom(duration_to_proto(rule.min_present_ns))
    message.min_absent.CopyFrom(duration_to_proto(rule.min_absent_ns))
    if rule.cooldown_ns:
        message.cooldown.CopyFrom(duration_to_proto(rule.cooldown_ns))
    if rule.smoothing_ns:
        message.smoothing.CopyFrom(duration_to_proto(rule.smoothing_ns))
    return message


def _rule_from_proto(message: pb.EventRule, index: int) -> EventRule:
    with under(f"rules[{index}]"):
        if not message.HasField("enter_at"):
            raise MissingField(
                "the rule has no enter_at: give the score from which on the label counts as present", "enter_at"
            )
        return EventRule(
            label=message.label,
            enter_at=message.enter_at,
            exit_below=message.exit_below if message.HasField("exit_below") else None,
            min_present_ns=_optional_ns(message, "min_present", DEFAULT_MIN_TIME_NS),
            min_absent_ns=_optional_ns(message, "min_absent", DEFAULT_MIN_TIME_NS),
            score_kind=_score_kind(message.score_kind),
            id=message.id,
            region_id=message.region_id,
            cooldown_ns=_optional_ns(message, "cooldown", 0),
            smoothing_ns=_optional_ns(message, "smoothing", 0),
            trail_count=message.trail_count,
        )


def _score_kind(number: int) -> ScoreKind:
    if number == pb.SCORE_KIND_UNSPECIFIED:
        return ScoreKind.PROBABILITY
    kind = SCORE_KINDS.from_proto(number)
    if kind is None:
        raise InvalidRequest(f"score_kind is {number}, which is not known", "score_kind")
    return kind


def _optional_ns(
    message: pb.StreamConfig | pb.EventRule | pb.Reuse | pb.HealthPolicy, field: str, default_ns: int
) -> int:
    if not message.HasField(field):  # type: ignore[arg-type]
        return default_ns
    with under(field):
        return checked_duration_from_proto(getattr(message, field))


def resume_point_to_proto(point: ResumePoint) -> pb.Resume:
    """Returns a position in a stream as a message."""
    return pb.Resume(token=point.token, last_frame_id=point.last_frame_id, last_event_id=point.last_event_id)


def resume_point_from_proto(message: pb.Resume) -> ResumePoint:
    """Returns a position in a stream. Raises LimitExceeded with a path that begins with `config`."""
    with under("config.resume"):
        check_name("the token", message.token, "token")
        check_name("the event's id", message.last_event_id, "last_event_id")
    last_frame_id = message.last_frame_id if message.HasField("last_frame_id") else None
    return ResumePoint(message.token, last_frame_id, message.last_event_id)
