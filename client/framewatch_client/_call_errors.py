"""Failed calls as errors: a status that a framewatch server sent, or gRPC's own account of the failure."""

from __future__ import annotations

from typing import cast

import grpc
from google.protobuf.message import DecodeError
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status

from framewatch_client.errors import FramewatchCallError, ServerUnreachableError, StreamEndedEarly


def call_error(error: grpc.aio.AioRpcError, address: str, *, connected: bool = False) -> FramewatchCallError:
    """Returns the error of a failed call.

    Args:
        error: as grpc.aio raised it.
        address: of the server.
        connected: True if the server had answered on this call before.

    """
    status = _rich_status(error)
    if status is None:
        return _bare_error(error, address, connected=connected)
    info = error_details_pb2.ErrorInfo()
    bad_request = error_details_pb2.BadRequest()
    for detail in status.details:
        detail.Unpack(info)
        detail.Unpack(bad_request)
    return FramewatchCallError(
        error.code(),
        info.reason or error.code().name,
        status.message or error.details() or error.code().name,
        fields={violation.field: violation.description for violation in bad_request.field_violations},
        metadata=info.metadata,
    )


def not_accepted(address: str, timeout_s: float) -> FramewatchCallError:
    """Returns the error of a stream whose config the server did not accept in time."""
    code = grpc.StatusCode.DEADLINE_EXCEEDED
    return FramewatchCallError(code, code.name, f"{address} did not accept the stream within {timeout_s:g} s")


def ended_early(when: str) -> StreamEndedEarly:
    """Returns the error of a stream that the server ended with OK before its last result."""
    return StreamEndedEarly(f"the server ended the stream {when}")


def _rich_status(error: grpc.aio.AioRpcError) -> status_pb2.Status | None:
    """Returns the google.rpc.Status of a framewatch server; None: the call failed on the way to one."""
    try:
        status: status_pb2.Status | None = rpc_status.from_call(cast("grpc.Call", error))
    except (ValueError, DecodeError):
        return None
    return status


def _bare_error(error: grpc.aio.AioRpcError, address: str, *, connected: bool) -> FramewatchCallError:
    code, details = error.code(), (error.details() or "").strip()
    if code is grpc.StatusCode.INTERNAL and details == _LOST_STATUS:
        return StreamEndedEarly(
            f"the server at {address} ended the stream while frames were being sent, and its reason was lost: start "
            "again",
            transient=True,
        )
    if code is grpc.StatusCode.UNAVAILABLE or _is_reset(details):
        return ServerUnreachableError(_lost(address, details) if connected else _not_found(address, details))
    return FramewatchCallError(
        code, code.name, _MESSAGES.get(code, "{details}").format(address=address, details=details)
    )


def _not_found(address: str, details: str) -> str:
    return (
        f"no framewatch server answers at {address}: start one with 'framewatch-server serve', or give the address of "
        f"one that runs ({details or 'no details'})"
    )


def _lost(address: str, details: str) -> str:
    return f"the connection to {address} broke: see whether the server still runs, then start again ({details})"


def _is_reset(details: str) -> bool:
    """Returns True if a proxy, or the end of the server's process, broke the call off: it has no status of its own."""
    return any(words in details for words in _RESETS)


# gRPC's words for a call that was broken off without a status; their codes are CANCELLED, INTERNAL and UNKNOWN
_RESETS = ("RST_STREAM", "Stream removed")

# grpc.aio's words when a write met the end of the call before the status that came with it
_LOST_STATUS = "Internal error from Core"

_MESSAGES = {
    grpc.StatusCode.DEADLINE_EXCEEDED: (
        "{address} did not answer in time: it is busy or out of reach; a longer time limit may help"
    ),
    grpc.StatusCode.UNIMPLEMENTED: (
        "the server at {address} does not offer framewatch.v1: is it another server, or an older one? ({details})"
    ),
    grpc.StatusCode.CANCELLED: "the call was cancelled ({details})",
}
