"""Failed calls as the caller's errors."""

from __future__ import annotations

import grpc
import pytest
from google.rpc import status_pb2
from grpc_status import rpc_status

from framewatch_client import FramewatchCallError, ServerUnreachableError, StreamEndedEarly
from framewatch_client._call_errors import call_error
from tests.unit.framewatch_client.fake_server import fault


def as_raised(code: grpc.StatusCode, details: str, status: status_pb2.Status | None = None) -> grpc.aio.AioRpcError:
    trailing = rpc_status.to_status(status).trailing_metadata if status is not None else ()
    return grpc.aio.AioRpcError(code, grpc.aio.Metadata(), grpc.aio.Metadata(*trailing), details=details)


def test_status_with_details() -> None:
    status = fault(
        grpc.StatusCode.RESOURCE_EXHAUSTED, "LIMIT_EXCEEDED", "too many", "label_set.labels", limit="max_labels"
    )
    error = call_error(as_raised(grpc.StatusCode.RESOURCE_EXHAUSTED, "too many", status), "host:1")
    assert (error.code, error.reason, error.message) == (
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        "LIMIT_EXCEEDED",
        "too many",
    )
    assert error.fields == {"label_set.labels": "too many"}
    assert error.metadata == {"limit": "max_labels"}
    assert str(error) == "too many (field label_set.labels) [LIMIT_EXCEEDED]"


@pytest.mark.parametrize(
    ("code", "details", "connected", "kind", "match"),
    [
        (
            grpc.StatusCode.UNAVAILABLE,
            "refused",
            False,
            ServerUnreachableError,
            r"no framewatch server answers at host:1",
        ),
        (grpc.StatusCode.UNAVAILABLE, "reset", True, ServerUnreachableError, r"the connection to host:1 broke.*reset"),
        (grpc.StatusCode.DEADLINE_EXCEEDED, "", False, FramewatchCallError, r"host:1 did not answer in time"),
        (grpc.StatusCode.UNIMPLEMENTED, "what?", False, FramewatchCallError, r"host:1 does not offer framewatch"),
        (grpc.StatusCode.INTERNAL, "Internal error from Core", True, StreamEndedEarly, r"STREAM_ENDED_EARLY"),
        (grpc.StatusCode.UNKNOWN, "odd {braces}", False, FramewatchCallError, r"odd \{braces\} \[UNKNOWN\]"),
    ],
)
def test_status_without_details(
    code: grpc.StatusCode, details: str, connected: bool, kind: type[FramewatchCallError], match: str
) -> None:
    error = call_error(as_raised(code, details), "host:1", connected=connected)
    assert type(error) is kind
    with pytest.raises(kind, match=match):
        raise error


def test_unavailable_server_that_speaks_is_reachable() -> None:
    status = fault(grpc.StatusCode.UNAVAILABLE, "SERVER_DRAINING", "draining")
    error = call_error(as_raised(grpc.StatusCode.UNAVAILABLE, "draining", status), "host:1")
    assert not isinstance(error, ServerUnreachableError)
    assert error.reason == "SERVER_DRAINING"
