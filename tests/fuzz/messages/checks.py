"""The property: an error is the caller's, a response is valid, and every frame has its outcome in its order."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence as Items

import grpc
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import DecodeError, Message
from google.protobuf.timestamp_pb2 import Timestamp
from google.rpc import status_pb2

from framewatch.v1 import framewatch_pb2 as pb
from tests.fuzz.messages.seeds import Sequence
from tests.fuzz.messages.server import Aborted, Call, FuzzedServer, Log

_ALLOWED = {
    grpc.StatusCode.OK,
    grpc.StatusCode.INVALID_ARGUMENT,
    grpc.StatusCode.NOT_FOUND,
    grpc.StatusCode.RESOURCE_EXHAUSTED,
    grpc.StatusCode.FAILED_PRECONDITION,
}
_MAX_DURATION_S = 315_576_000_000
_ROUNDING = 1e-5


class BrokenError(Exception):
    """The property does not hold."""


async def check(server: FuzzedServer, sequence: Sequence, log: Log) -> Call:
    """Makes a call; raises BrokenError if the property does not hold for it."""
    call = Call(*sequence.requests)
    method = getattr(server.service, sequence.method)
    try:
        response = await asyncio.create_task(method(None, call))  # each call is a task of its own, as gRPC's are
    except Aborted:
        response = None
    except Exception as error:
        raise BrokenError(f"{type(error).__name__} went to gRPC: {error}") from error
    if log.entries:
        entries, log.entries = log.entries, []
        raise BrokenError(f"logged: {entries}")
    _check_end(call)
    if response is not None:
        check_message(_message(response))
    if sequence.method == "StreamFrames":
        check_stream(call)
    return call


def _check_end(call: Call) -> None:
    if call.code not in _ALLOWED:
        raise BrokenError(f"{call.code.name}: {call.message}")
    if sum(len(value) for _, value in call.trailers) + 3 * len(call.message.encode()) > 16_000:
        raise BrokenError("the status is too large")
    for _, value in call.trailers:
        status = status_pb2.Status.FromString(value)
        if status.message != call.message or not call.message.isprintable():
            raise BrokenError(f"the message can't be printed: {call.message!r}")


def _message(response: object) -> Message:
    if isinstance(response, bytes):
        return pb.StreamFramesResponse.FromString(response)
    if not isinstance(response, Message):
        raise BrokenError(f"a response is {type(response)}")
    response.SerializeToString()
    return response


def check_stream(call: Call) -> None:
    """Raises BrokenError unless each frame that was read has one outcome, in the order sent."""
    responses = [_message(sent) for sent in call.sent]
    for response in responses:
        check_message(response)
    results = [response.result for response in responses if response.WhichOneof("response") == "result"]  # type: ignore[attr-defined]
    expected = _frame_ids(call.requests[: call.taken])
    found = [result.frame_id for result in results]
    if found != expected[: len(found)] or (call.code is grpc.StatusCode.OK and found != expected):
        raise BrokenError(f"frames {expected} have the outcomes {found}")
    if len(found) < len(expected) - 1:  # the last one may be what ended the stream: a frame before the config
        raise BrokenError(f"frames {expected} have the outcomes {found}, and the stream ended with {call.code.name}")
    for result in results:
        if result.WhichOneof("outcome") is None:
            raise BrokenError("a result has no outcome")
        if result.error.reason == pb.FRAME_ERROR_REASON_INTERNAL:
            raise BrokenError(f"a frame is INTERNAL: {result.error.message}")
        if not result.error.message.isprintable():
            raise BrokenError(f"the message can't be printed: {result.error.message!r}")


def _frame_ids(requests: Items[bytes]) -> list[int]:
    found = []
    for data in requests:
        try:
            request = pb.StreamFramesRequest.FromString(data)
        except DecodeError:
            break
        if request.WhichOneof("request") == "frame":
            found.append(request.frame.frame_id)
    return found


def check_message(message: Message) -> None:
    """Raises BrokenError for a time that is none, a score out of range or a number that is not finite."""
    match message:
        case Duration():
            same_sign = message.seconds * message.nanos >= 0
            if abs(message.seconds) > _MAX_DURATION_S or abs(message.nanos) >= 1e9 or not same_sign:
                raise BrokenError(f"a duration of {message.seconds} s and {message.nanos} ns")
        case Timestamp():
            if not (-62_135_596_800 <= message.seconds < 253_402_300_800 and 0 <= message.nanos < 1e9):
                raise BrokenError(f"a timestamp of {message.seconds} s and {message.nanos} ns")
        case pb.LabelScore():
            _check_scores(message)
            return
    for field, value in message.ListFields():
        if field.message_type is not None:
            for each in value if field.is_repeated else (value,):
                check_message(each)
        elif isinstance(value, float) and not math.isfinite(value):
            raise BrokenError(f"{field.full_name} is {value}")


def _check_scores(message: pb.LabelScore) -> None:
    in_range = -_ROUNDING <= message.probability <= 1 + _ROUNDING and abs(message.similarity) <= 1 + _ROUNDING
    if not (in_range and 0 <= message.presence <= 1):
        raise BrokenError(f"scores out of range: {message}")
