"""Bytes that outputs take while they wait to be sent: cheap to compute, and no less than what they take."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from sys import getsizeof

from framewatch_core.health.events import HealthEvent
from framewatch_core.labels.label_scores import BYTES_PER_SCORE, FEW_SCORES, OBJECT_BYTES, LabelScores
from framewatch_core.labels.scoring import LabelScore
from framewatch_core.limits import check_limit
from framewatch_core.rules.events import TRAIL_POINT_BYTES, Event
from framewatch_core.stream.config import StreamConfig
from framewatch_core.stream.messages import ConfigWarnings, Explanation, Output, Started
from framewatch_core.stream.results import Failed, FrameResult, Outcome, Scored

# Bytes of objects with their numbers, rounded up; a test compares them with what Python allocates.
# Texts that a config or a rule has too are shared, and not counted.
_RESULT_BYTES = 800
_REGION_BYTES = 200
_SCORE_BYTES = 200
_EVENT_BYTES = 1_400
_RULE_BYTES = 800
_WARNING_BYTES = 300

# Bytes in a response, beside names and ids
_SENT_RESULT_BYTES = 200
_SENT_REGION_BYTES = 50
_SENT_SCORE_BYTES = 21


def output_bytes(output: Output) -> int:
    """Returns the bytes that an output takes."""
    match output:
        case FrameResult(outcome=outcome):
            return outcome_bytes(outcome)
        case Event() | HealthEvent():
            return event_bytes(output)
        case Explanation(rules):
            return _texts((rule.message for rule in rules), _RULE_BYTES)
        case ConfigWarnings(_, warnings):
            return _texts((text for each in warnings for text in (each.message, each.field)), _WARNING_BYTES)
        case Started():
            return _RESULT_BYTES


def event_bytes(event: Event | HealthEvent) -> int:
    """Returns the bytes that an event takes, without the texts that it shares with its rule."""
    return _EVENT_BYTES + getsizeof(event.event_id) + TRAIL_POINT_BYTES * trail_length(event)


def trail_length(event: Event | HealthEvent) -> int:
    """Returns the number of points in an event's trail."""
    return len(event.trail.points) if isinstance(event, Event) and event.trail is not None else 0


def outcome_bytes(outcome: Outcome | None) -> int:
    """Returns the bytes that a frame's outcome takes, with the frame's number and time."""
    match outcome:
        case Scored(regions):
            return _RESULT_BYTES + sum([_REGION_BYTES + scores_bytes(region.scores) for region in regions])
        case Failed(error):
            return _RESULT_BYTES + getsizeof(error.message)
        case _:
            return _RESULT_BYTES


def scores_bytes(scores: Sequence[LabelScore]) -> int:
    """Returns the bytes that the scores of a region take."""
    if isinstance(scores, tuple):
        return _SCORE_BYTES * len(scores)
    return scores.byte_count if isinstance(scores, LabelScores) else _SCORE_BYTES * len(scores)


def frame_bytes(config: StreamConfig) -> int:
    """Returns the bytes that a frame under a config takes with its scores: those for the rules, and the outcome."""
    if config.score_count <= FEW_SCORES:  # the outcome has the objects that the rules have
        return _RESULT_BYTES + _REGION_BYTES * len(config.viewed_regions) + _SCORE_BYTES * config.score_count
    labels = len(config.label_set.labels)
    sent = min(labels, config.top_count or labels)
    region = _REGION_BYTES + 2 * OBJECT_BYTES + BYTES_PER_SCORE * (labels + sent)
    return _RESULT_BYTES + region * len(config.viewed_regions)


def result_bytes(config: StreamConfig) -> int:
    """Returns the bytes of the largest response with a frame's result under a config."""
    names = sorted((_SENT_SCORE_BYTES + len(name.encode()) for name in config.label_set.names), reverse=True)
    scores = sum(names[: config.top_count or None])
    return _SENT_RESULT_BYTES + sum(
        _SENT_REGION_BYTES + len(region.id.encode()) + scores for region in config.viewed_regions
    )


def check_sizes(config: StreamConfig, max_scores: int, max_result_bytes: int) -> None:
    """Raises LimitExceeded for a config whose frames have too many scores, or too large results."""
    field = "regions" if config.regions else "label_set.labels"
    check_limit(
        "scores of a frame (labels times regions)",
        limit="max_scores_per_frame",
        maximum=max_scores,
        actual=config.score_count,
        field=field,
    )
    check_limit(
        "bytes of a frame's result (labels times regions, with their names; top_count makes it smaller)",
        limit="max_result_bytes",
        maximum=max_result_bytes,
        actual=result_bytes(config),
        field=field,
    )


def _texts(texts: Iterable[str], each: int) -> int:
    return _RESULT_BYTES + sum(each + getsizeof(text) for text in texts)
