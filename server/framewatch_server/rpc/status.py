"""The mapping of errors to `google.rpc.Status`, which stands here and nowhere else.

An error that is no FramewatchError is the server's own fault: the caller gets an id, the log the cause under that id.
"""

from __future__ import annotations

import asyncio
import uuid
from copy import copy
from typing import NoReturn
from urllib.parse import quote

import grpc
import structlog
from google.protobuf import any_pb2
from google.rpc import error_details_pb2, status_pb2

from framewatch_core.errors import (
    ClientNotReading,
    FieldError,
    FramewatchError,
    InternalError,
    InvalidRequest,
    LimitExceeded,
    MissingConfig,
    ModelNotFound,
    ServerUnavailable,
    StreamTakenOver,
)
from framewatch_core.quoting import one_line

DOMAIN = "framewatch"
MAX_TRAILER_BYTES = 8 * 1024
"""Bytes of a status among the trailers; gRPC's clients lose a status whose trailers have more than 16 KiB."""

_CLIPPED_CHARS = 256  # of 4 bytes each they fit, once with each byte escaped by three, and twice in base64
_ABORT_TIMEOUT_S = 5
_DETAILS_KEY = "grpc-status-details-bin"

_log = structlog.get_logger()


def status_code(error: FramewatchError) -> grpc.StatusCode:
    """Returns the gRPC code of an error."""
    match error:
        case InvalidRequest():
            return grpc.StatusCode.INVALID_ARGUMENT
        case LimitExceeded():
            return grpc.StatusCode.RESOURCE_EXHAUSTED
        case MissingConfig():
            return grpc.StatusCode.FAILED_PRECONDITION
        case ModelNotFound():
            return grpc.StatusCode.NOT_FOUND
        case ServerUnavailable() | ClientNotReading():
            return grpc.StatusCode.UNAVAILABLE
        case StreamTakenOver():
            return grpc.StatusCode.ABORTED
        case _:
            return grpc.StatusCode.INTERNAL


def to_status(error: FramewatchError) -> status_pb2.Status:
    """Returns the status of an error: its code, message, reason and, where it has one, field."""
    status = status_pb2.Status(code=status_code(error).value[0], message=error.message)
    details: list[error_details_pb2.ErrorInfo | error_details_pb2.BadRequest] = [
        error_details_pb2.ErrorInfo(reason=error.reason, domain=DOMAIN, metadata=error.metadata)
    ]
    if isinstance(error, FieldError) and error.field:
        violation = error_details_pb2.BadRequest.FieldViolation(field=error.field, description=error.message)
        details.append(error_details_pb2.BadRequest(field_violations=[violation]))
    for detail in details:
        packed = any_pb2.Any()
        packed.Pack(detail)
        status.details.append(packed)
    return status


async def abort(context: grpc.aio.ServicerContext[object, object], error: FramewatchError) -> NoReturn:
    """Ends a call with an error."""
    message, details = _that_arrive(error)
    # behind responses that the client doesn't read, the status would wait for ever; the call's end resets the stream
    async with asyncio.timeout(_ABORT_TIMEOUT_S):
        await context.abort(status_code(error), message, ((_DETAILS_KEY, details),))
    raise AssertionError("abort raises")


def _that_arrive(error: FramewatchError) -> tuple[str, bytes]:
    """Returns an error's message and its serialised status, clipped if gRPC would lose them."""
    details = to_status(error).SerializeToString()
    if _trailer_bytes(error.message, details) <= MAX_TRAILER_BYTES:
        return error.message, details
    shorter = copy(error)
    shorter.message = one_line(error.message, _CLIPPED_CHARS)
    shorter.metadata = {name: one_line(value, _CLIPPED_CHARS // 4) for name, value in error.metadata.items()}
    if isinstance(shorter, FieldError):
        shorter.field = one_line(shorter.field, _CLIPPED_CHARS // 4)
    return shorter.message, to_status(shorter).SerializeToString()


def _trailer_bytes(message: str, details: bytes) -> int:
    """Returns the bytes that a status takes among the trailers, where gRPC escapes text and encodes bytes in base64."""
    return len(quote(message)) + (len(details) + 2) // 3 * 4


def public_error(error: Exception) -> FramewatchError:
    """Returns the error for the caller: a FramewatchError itself; of another the log's id, under which it is logged."""
    if isinstance(error, FramewatchError) and not isinstance(error, InternalError):
        return error
    error_id = uuid.uuid4().hex[:12]
    _log.error("internal error", error_id=error_id, exc_info=error)
    return InternalError(
        f"the server failed; its log has the cause under the id {error_id}: try again, and report it if it stays",
        error_id=error_id,
    )
