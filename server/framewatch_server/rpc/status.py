"""The mapping of errors to `google.rpc.Status`, which stands here and nowhere else.

An error that is no FramewatchError is the server's own fault: the caller gets an id, the log the cause under that id.
"""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from copy import copy
from typing import Any, NoReturn
from urllib.parse import quote

import grpc
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
from framewatch_core.stream.results import FrameErrorReason
from framewatch_server.rpc.error_log import ErrorLog

DOMAIN = "framewatch"
MAX_TRAILER_BYTES = 8 * 1024
"""Bytes of a status among the trailers; gRPC's clients lose a status whose trailers have more than 16 KiB."""

_CLIPPED_CHARS = 256  # of 4 bytes each they fit, once with each byte escaped by three, and twice in base64
_MISUSE = "Failed grpc_call_start_batch"
"""Begin of gRPC's error for an operation that it does not permit: the call goes on, and the fault is the server's."""

_DETAILS_KEY = "grpc-status-details-bin"

_internal_errors = ErrorLog()


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
    with ending_with_the_call():
        await context.abort(status_code(error), message, ((_DETAILS_KEY, details),))
    raise AssertionError("abort raises")


@contextmanager
def ending_with_the_call() -> Iterator[None]:
    """Makes gRPC's error for what can't be sent any more a cancellation: a client that is gone is no fault."""
    try:
        yield
    except grpc.aio.InternalError as error:
        if str(error).startswith(_MISUSE):
            raise
        raise asyncio.CancelledError("the call is over") from error


@asynccontextmanager
async def answering(context: grpc.aio.ServicerContext[Any, Any]) -> AsyncIterator[None]:
    """The boundary of a call, where errors become statuses."""
    try:
        with ending_with_the_call():
            yield
    except Exception as error:
        public = public_error(error)
        _forget_locals(error)
    else:
        return
    await abort(context, public)


def _forget_locals(error: BaseException | None) -> None:
    """Drops what the functions held that an error went through: tasks keep their errors, and these the images."""
    seen = set[int]()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        traceback.clear_frames(error.__traceback__)
        error = error.__cause__ or error.__context__


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
    error_id = _internal_errors.report(error)
    return InternalError(
        f"the server failed; its log has the cause under the id {error_id}: try again, and report it if it stays",
        error_id=error_id,
    )


def frame_error(error: Exception) -> FramewatchError:
    """Returns the error as a frame's outcome has it; one whose reason only calls have is logged under an id too."""
    public = public_error(error)
    if public.reason in FrameErrorReason.__members__:
        return public
    error_id = _internal_errors.report(error)
    return InternalError(
        f"{public.message} (the server's log has the cause under the id {error_id})", error_id=error_id
    )
