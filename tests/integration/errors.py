"""Details of a failed call."""

from __future__ import annotations

from dataclasses import dataclass

import grpc
from google.rpc import error_details_pb2
from grpc_status import rpc_status


@dataclass(frozen=True)
class ErrorDetails:
    """Code, reason, first wrong field (empty: none), metadata and message of a failed call."""

    code: str
    reason: str
    field: str
    metadata: dict[str, str]
    message: str


def error_details(error: grpc.RpcError) -> ErrorDetails:
    """Decodes the google.rpc.Status of a call; fails if there is none."""
    status = rpc_status.from_call(error)
    assert status is not None, f"no status in {error}"
    info, bad = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
    for detail in status.details:
        detail.Unpack(info) if detail.Is(info.DESCRIPTOR) else detail.Unpack(bad)
    assert info.domain == "framewatch"
    field = bad.field_violations[0].field if bad.field_violations else ""
    return ErrorDetails(error.code().name, info.reason, field, dict(info.metadata), status.message)
