"""Calls that failed, as exceptions that say what was wrong and what to do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

import grpc
from google.protobuf.message import DecodeError
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status


class FramewatchCallError(Exception):
    """The server ended a call with an error, or could not be reached.

    Attributes:
        code: gRPC's status code.
        reason: stable name of the fault, UPPER_SNAKE_CASE; the code's name if the server gave none.
        message: what was wrong, what was expected and what to do.
        fields: for bad fields, their paths and what is wrong with each.
        metadata: further facts by name, such as `limit`, `maximum` and `actual`, or `error_id`.
        transient: whether the same call may do better later: the server, or the connection to it, was lost.

    """

    def __init__(
        self,
        code: grpc.StatusCode,
        reason: str,
        message: str,
        *,
        fields: Mapping[str, str] | None = None,
        metadata: Mapping[str, str] | None = None,
        transient: bool = False,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason
        self.message = message
        self.fields = dict(fields or {})
        self.metadata = dict(metadata or {})
        self.transient = transient or code is grpc.StatusCode.UNAVAILABLE

    def __str__(self) -> str:
        where = f" (field {', '.join(self.fields)})" if self.fields else ""
        return f"{self.message}{where} [{self.reason}]"


class ServerUnreachableError(FramewatchCallError):
    """No server answers at the address, or the connection to it broke."""

    def __init__(self, message: str) -> None:
        super().__init__(grpc.StatusCode.UNAVAILABLE, "SERVER_UNREACHABLE", message)

    def __str__(self) -> str:
        return self.message


class SourceError(Exception):
    """A source of frames could not be opened or broke off; the message says what was tried and what to do."""


def invalid_response(what: str) -> FramewatchCallError:
    """The server's answer can't be what was asked for. `what`: what was received and what was expected."""
    return FramewatchCallError(
        grpc.StatusCode.INTERNAL,
        "INVALID_RESPONSE",
        f"the server's answer can't be used: {what}; update the server or the client, whichever is older",
    )


def call_error(error: grpc.aio.AioRpcError, address: str, *, connected: bool = False) -> FramewatchCallError:
    """What a failed call means.

    Args:
        error: as grpc.aio raised it.
        address: of the server.
        connected: whether the server had answered on this call already.

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


def _rich_status(error: grpc.aio.AioRpcError) -> status_pb2.Status | None:
    """The google.rpc.Status of a server that speaks framewatch; None: the fault lies on the way to one."""
    try:
        status: status_pb2.Status | None = rpc_status.from_call(cast("grpc.Call", error))
    except (ValueError, DecodeError):
        return None
    return status


def _bare_error(error: grpc.aio.AioRpcError, address: str, *, connected: bool) -> FramewatchCallError:
    code, details = error.code(), (error.details() or "").strip()
    if code is grpc.StatusCode.INTERNAL and details == _LOST_STATUS:
        return FramewatchCallError(
            grpc.StatusCode.UNKNOWN,
            "STREAM_ENDED_EARLY",
            f"the server at {address} ended the stream while frames were being sent, and why was lost: start again",
            transient=True,
        )
    if code is grpc.StatusCode.UNAVAILABLE or _is_reset(details):
        return ServerUnreachableError(_lost(address, details) if connected else _not_found(address, details))
    return FramewatchCallError(
        code, code.name, _EXPLANATIONS.get(code, "{details}").format(address=address, details=details)
    )


def _not_found(address: str, details: str) -> str:
    return (
        f"no framewatch server answers at {address}: start one with 'framewatch-server serve', or give the address of "
        f"one that runs ({details or 'no details'})"
    )


def _lost(address: str, details: str) -> str:
    return f"the connection to {address} broke: see whether the server still runs, then start again ({details})"


def _is_reset(details: str) -> bool:
    """Whether a call was broken off on the way, by a proxy or a server that died, rather than ended with a status."""
    return any(words in details for words in _RESETS)


# gRPC's words for a call that was broken off without a status; their codes are CANCELLED, INTERNAL and UNKNOWN
_RESETS = ("RST_STREAM", "Stream removed")

# grpc.aio's words when a write met the end of the call before the status that came with it
_LOST_STATUS = "Internal error from Core"

_EXPLANATIONS = {
    grpc.StatusCode.DEADLINE_EXCEEDED: (
        "{address} did not answer in time: it is busy or out of reach; a longer time limit may help"
    ),
    grpc.StatusCode.UNIMPLEMENTED: (
        "the server at {address} does not offer framewatch.v1: is it another server, or an older one? ({details})"
    ),
    grpc.StatusCode.CANCELLED: "the call was cancelled ({details})",
}
