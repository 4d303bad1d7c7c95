"""Outcomes of frames; the conversion of every frame, so without reflection."""

from __future__ import annotations

from framewatch.v1 import framewatch_pb2 as pb
from framewatch_core.stream.results import Dropped, Failed, FrameError, FrameResult, Outcome, RegionScores, Scored
from framewatch_wire.durations import duration_from_proto, duration_to_proto
from framewatch_wire.enums import DROP_REASONS, FRAME_ERROR_REASONS, HEALTH_PROBLEMS
from framewatch_wire.labels import label_score_to_proto, label_scores_from_proto
from framewatch_wire.serialised.scores import frame_result_to_bytes
from framewatch_wire.timings import timings_from_proto, timings_to_proto


def frame_result_to_proto(result: FrameResult) -> pb.FrameResult:
    """Returns a frame's result as a message."""
    message = _head(result)
    match result.outcome:
        case Scored(regions, _, reused_frame_id):
            message.scores.SetInParent()
            for region in regions:
                message.scores.regions.add(
                    region_id=region.region_id,
                    scores=map(label_score_to_proto, region.scores),
                    reused_frame_id=reused_frame_id,
                    problem=HEALTH_PROBLEMS.to_proto(region.problem),
                    suspended=region.suspended,
                )
        case Dropped(reason):
            message.dropped.reason = DROP_REASONS.to_proto(reason)
        case Failed(error):
            message.error.reason = FRAME_ERROR_REASONS.to_proto(error.reason)
            message.error.message = error.message
    return message


def large_frame_result_to_bytes(result: FrameResult) -> bytes:
    """Returns a serialised response with the result of a scored frame; the quicker way if there are many scores."""
    if not isinstance(result.outcome, Scored):
        msg = "only a scored frame has many scores"
        raise TypeError(msg)
    return frame_result_to_bytes(_head(result), result.outcome)


def _head(result: FrameResult) -> pb.FrameResult:
    """The result without its outcome."""
    timings = result.timings
    return pb.FrameResult(
        frame_id=result.frame_id,
        time_offset=duration_to_proto(result.time_ns),
        config_version=result.config_version,
        timings=None if timings is None else timings_to_proto(timings),
    )


def frame_result_from_proto(message: pb.FrameResult) -> FrameResult:
    """Returns a frame's result; what is not known here is None."""
    return FrameResult(
        message.frame_id, duration_from_proto(message.time_offset), message.config_version, _outcome(message)
    )


def _outcome(message: pb.FrameResult) -> Outcome | None:
    match message.WhichOneof("outcome"):
        case "scores":
            regions = message.scores.regions
            reused = next((region.reused_frame_id for region in regions if region.HasField("reused_frame_id")), None)
            return Scored(tuple(map(_region_scores, regions)), timings_from_proto(message.timings), reused)
        case "dropped":
            return Dropped(DROP_REASONS.from_proto(message.dropped.reason))
        case "error":
            return Failed(FrameError(FRAME_ERROR_REASONS.from_proto(message.error.reason), message.error.message))
        case _:
            return None


def _region_scores(message: pb.RegionScores) -> RegionScores:
    return RegionScores(
        message.region_id,
        label_scores_from_proto(message.scores),
        HEALTH_PROBLEMS.from_proto(message.problem),
        message.suspended,
    )
