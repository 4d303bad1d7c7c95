"""Responses of StreamFrames: one message of several kinds."""

from __future__ import annotations

from framewatch.v1 import framewatch_pb2 as pb
from framewatch_core.health.events import HealthEvent
from framewatch_core.rules.events import Event
from framewatch_core.stream.messages import ConfigWarnings, Explanation, StreamResponse, StreamStarted
from framewatch_core.stream.results import FrameResult
from framewatch_wire.durations import duration_from_proto, duration_to_proto
from framewatch_wire.events import event_from_proto, event_to_proto, health_event_from_proto, health_event_to_proto
from framewatch_wire.explanations import explanation_from_proto, explanation_to_proto
from framewatch_wire.results import frame_result_from_proto, frame_result_to_proto
from framewatch_wire.warnings import config_warnings_from_proto, config_warnings_to_proto


def response_to_proto(value: StreamResponse) -> pb.StreamFramesResponse:
    """Returns what a server sends on a stream as a message."""
    match value:
        case FrameResult():
            return pb.StreamFramesResponse(result=frame_result_to_proto(value))
        case Event():
            return pb.StreamFramesResponse(event=event_to_proto(value))
        case HealthEvent():
            return pb.StreamFramesResponse(health_event=health_event_to_proto(value))
        case Explanation():
            return pb.StreamFramesResponse(explanation=explanation_to_proto(value))
        case ConfigWarnings():
            return pb.StreamFramesResponse(config_warnings=config_warnings_to_proto(value))
        case StreamStarted():
            return pb.StreamFramesResponse(started=stream_started_to_proto(value))


def response_from_proto(message: pb.StreamFramesResponse) -> StreamResponse | None:
    """Returns what a server sent on a stream; None: it is of a kind that is not known here."""
    match message.WhichOneof("response"):
        case "result":
            return frame_result_from_proto(message.result)
        case "event":
            return event_from_proto(message.event)
        case "health_event":
            return health_event_from_proto(message.health_event)
        case "explanation":
            return explanation_from_proto(message.explanation)
        case "config_warnings":
            return config_warnings_from_proto(message.config_warnings)
        case "started":
            return stream_started_from_proto(message.started)
        case _:
            return None


def stream_started_to_proto(started: StreamStarted) -> pb.StreamStarted:
    """Returns the acceptance of a config as a message."""
    return pb.StreamStarted(
        model=started.model,
        config_version=started.config_version,
        useful_short_side=started.useful_short_side,
        in_flight_frame_count=started.in_flight_frame_count,
        max_image_bytes=started.max_image_bytes,
        resume_token=started.resume_token,
        resume_lifetime=duration_to_proto(started.resume_lifetime_ns),
        resumed=started.resumed,
        weights_digest=started.weights_digest,
    )


def stream_started_from_proto(message: pb.StreamStarted) -> StreamStarted:
    """Returns the acceptance of a config."""
    return StreamStarted(
        model=message.model,
        config_version=message.config_version,
        useful_short_side=message.useful_short_side,
        in_flight_frame_count=message.in_flight_frame_count,
        max_image_bytes=message.max_image_bytes,
        resume_token=message.resume_token,
        resume_lifetime_ns=duration_from_proto(message.resume_lifetime),
        resumed=message.resumed,
        weights_digest=message.weights_digest,
    )
