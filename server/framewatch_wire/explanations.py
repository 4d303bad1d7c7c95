"""Explanations of rules: the distance to their next events."""

from __future__ import annotations

from framewatch.v1 import framewatch_pb2 as pb
from framewatch_core.rules.explanations import RuleExplanation
from framewatch_core.stream.messages import Explanation
from framewatch_core.time import Moment
from framewatch_wire.durations import duration_from_proto, duration_to_proto
from framewatch_wire.enums import EVENT_KINDS, HELD_BACK_BY


def explanation_to_proto(explanation: Explanation) -> pb.Explanation:
    """Returns an explanation as a message."""
    return pb.Explanation(rules=map(_rule_to_proto, explanation.rules))


def explanation_from_proto(message: pb.Explanation) -> Explanation:
    """Returns an explanation; what is not known here is None."""
    return Explanation(tuple(map(_rule_from_proto, message.rules)))


def _rule_to_proto(rule: RuleExplanation) -> pb.RuleExplanation:
    message = pb.RuleExplanation(
        rule_id=rule.rule_id,
        label=rule.label,
        region_id=rule.region_id,
        next_kind=EVENT_KINDS.to_proto(rule.next_kind),
        frame_count=rule.frame_count,
        score=rule.score,
        nearest_score=rule.nearest_score,
        threshold=rule.threshold,
        longest_held=duration_to_proto(rule.longest_held_ns),
        needed=duration_to_proto(rule.needed_ns),
        held_back_by=HELD_BACK_BY.to_proto(rule.held_back_by),
        message=rule.message,
    )
    if rule.nearest is not None:
        message.nearest_frame_id = rule.nearest.frame_id
        message.nearest_time_offset.CopyFrom(duration_to_proto(rule.nearest.time_ns))
    return message


def _rule_from_proto(message: pb.RuleExplanation) -> RuleExplanation:
    has_nearest = message.HasField("nearest_score")
    nearest = Moment(message.nearest_frame_id, duration_from_proto(message.nearest_time_offset))
    return RuleExplanation(
        rule_id=message.rule_id,
        label=message.label,
        region_id=message.region_id,
        next_kind=EVENT_KINDS.from_proto(message.next_kind),
        frame_count=message.frame_count,
        score=message.score if message.HasField("score") else None,
        nearest_score=message.nearest_score if has_nearest else None,
        nearest=nearest if has_nearest else None,
        threshold=message.threshold,
        longest_held_ns=duration_from_proto(message.longest_held),
        needed_ns=duration_from_proto(message.needed),
        held_back_by=HELD_BACK_BY.from_proto(message.held_back_by),
        message=message.message,
    )
