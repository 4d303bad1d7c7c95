"""Requests and responses of StreamFrames."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from google.protobuf.duration_pb2 import Duration

from framewatch.v1 import framewatch_pb2 as pb
from framewatch.v1 import framewatch_pb2_grpc as pb_grpc
from tests.integration.conftest import image, jpeg, label_set

Request = pb.StreamFramesRequest
Response = pb.StreamFramesResponse


def config(*labels: str, **fields: Any) -> Request:
    """Returns a config with the labels by name, `box` and `nothing` by default."""
    return Request(config=pb.StreamConfig(label_set=label_set(*(labels or ("box", "nothing"))), **fields))


def seconds(value: float) -> Duration:
    duration = Duration()
    duration.FromNanoseconds(round(value * 1e9))
    return duration


def frame(frame_id: int, data: bytes | None = None, time_s: float | None = None) -> Request:
    """Returns a frame; its image is a JPEG of its own by default."""
    offset = None if time_s is None else seconds(time_s)
    return Request(
        frame=pb.Frame(frame_id=frame_id, image=image(jpeg(frame_id) if data is None else data), time_offset=offset)
    )


def outcome(response: Response) -> tuple[int, str]:
    """Returns the frame id of a result, and `scores` or the reason of the drop or error."""
    result = response.result
    match result.WhichOneof("outcome"):
        case "dropped":
            return result.frame_id, pb.DropReason.Name(result.dropped.reason)
        case "error":
            return result.frame_id, pb.FrameErrorReason.Name(result.error.reason).removeprefix("FRAME_ERROR_REASON_")
        case other:
            return result.frame_id, str(other)


def split(responses: Iterable[Response]) -> tuple[Response, list[tuple[int, str]], list[pb.Event]]:
    """Returns the started message, the outcomes and the events."""
    started, *rest = responses
    return started, [outcome(r) for r in rest if r.HasField("result")], [r.event for r in rest if r.HasField("event")]


def results(stub: pb_grpc.ZeroShotServiceStub, *requests: Request) -> list[pb.FrameResult]:
    """Runs a stream and returns its results."""
    return [response.result for response in stub.StreamFrames(iter(requests)) if response.HasField("result")]
