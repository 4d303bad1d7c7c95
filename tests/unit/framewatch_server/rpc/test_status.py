from __future__ import annotations

import asyncio
from typing import cast

import grpc
import pytest
from google.rpc import error_details_pb2, status_pb2

from framewatch_core import errors
from framewatch_core.errors import FramewatchError
from framewatch_server.rpc.reading.requests import Context
from framewatch_server.rpc.status import (
    MAX_TRAILER_BYTES,
    abort,
    answering,
    frame_error,
    public_error,
    status_code,
    to_status,
)
from tests.unit.framewatch_server.rpc.contexts import Aborted, FakeContext


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.MissingField(""), grpc.StatusCode.INVALID_ARGUMENT),
        (errors.InvalidLabelSet(""), grpc.StatusCode.INVALID_ARGUMENT),
        (errors.UndecodableImage(""), grpc.StatusCode.INVALID_ARGUMENT),
        (errors.LimitExceeded("", limit="", maximum=1, actual=2), grpc.StatusCode.RESOURCE_EXHAUSTED),
        (errors.ImageTooLarge("", limit="", maximum=1, actual=2), grpc.StatusCode.RESOURCE_EXHAUSTED),
        (errors.MissingConfig(""), grpc.StatusCode.FAILED_PRECONDITION),
        (errors.ModelNotFound(""), grpc.StatusCode.NOT_FOUND),
        (errors.ServerStarting(""), grpc.StatusCode.UNAVAILABLE),
        (errors.ServerDraining(""), grpc.StatusCode.UNAVAILABLE),
        (errors.ClientNotReading(""), grpc.StatusCode.UNAVAILABLE),
        (errors.MalformedMessage(""), grpc.StatusCode.INVALID_ARGUMENT),
        (errors.InternalError(""), grpc.StatusCode.INTERNAL),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, FramewatchError) else None,
)
def test_codes(error: FramewatchError, code: grpc.StatusCode) -> None:
    assert status_code(error) is code


def test_the_status_has_reason_domain_metadata_and_field() -> None:
    error = errors.LimitExceeded("labels", limit="max_labels", maximum=2, actual=3, field="labels").under("label_set")
    status = to_status(error)
    info, bad = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
    assert status.details[0].Unpack(info)
    assert status.details[1].Unpack(bad)
    assert (info.reason, info.domain) == ("LIMIT_EXCEEDED", "framewatch")
    assert dict(info.metadata) == {"limit": "max_labels", "maximum": "2", "actual": "3"}
    assert bad.field_violations[0].field == "label_set.labels"
    assert status.message == bad.field_violations[0].description == error.message


def test_what_is_not_ours_leaks_nothing() -> None:
    public = public_error(ValueError("secret"))
    assert isinstance(public, errors.InternalError)
    assert "secret" not in public.message
    assert public.metadata["error_id"] in public.message


def test_an_error_of_ours_is_public_as_it_is() -> None:
    error = errors.MissingField("no image", "image")
    assert public_error(error) is error


@pytest.mark.parametrize(
    ("field", "parent", "expected"),
    [("name", "labels[2]", "labels[2].name"), ("[2].name", "labels", "labels[2].name"), ("", "image", "image")],
)
def test_paths_are_joined(field: str, parent: str, expected: str) -> None:
    assert errors.InvalidRequest("", field).under(parent).field == expected


@pytest.mark.parametrize(
    "text",
    ["a" * 30_000, "漢" * 30_000, "\x00" * 30_000, "\U0010ffff" * 30_000],
    ids=["ascii", "cjk", "nul", "unassigned"],
)
async def test_every_status_arrives(text: str) -> None:
    context = FakeContext()
    error = errors.InvalidRule(text, f"rules[{text}]", name=text)
    with pytest.raises(Aborted):
        await abort(cast("Context", context), error)
    escaped = sum(1 if 0x20 <= byte < 0x7F and byte != 0x25 else 3 for byte in context.message.encode())
    details = context.trailers[0][1]
    assert escaped + len(details) * 4 / 3 < MAX_TRAILER_BYTES
    status = status_pb2.Status.FromString(details)
    info, bad = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
    assert status.details[0].Unpack(info)
    assert status.details[1].Unpack(bad)
    assert (info.reason, context.code) == ("INVALID_RULE", grpc.StatusCode.INVALID_ARGUMENT)
    assert status.message == context.message
    assert bad.field_violations[0].field.startswith("rules[")


async def test_a_status_that_arrives_is_not_changed() -> None:
    context = FakeContext()
    error = errors.InvalidRule("a 'quoted'  text\n", "rules[0].id")
    with pytest.raises(Aborted):
        await abort(cast("Context", context), error)
    assert (context.message, context.trailers[0][1]) == (error.message, to_status(error).SerializeToString())


@pytest.mark.parametrize(
    ("error", "reason", "has_id"),
    [
        (errors.UndecodableImage("broken"), "UNDECODABLE_IMAGE", False),
        (errors.NotFinite("the model returned nan"), "INTERNAL", True),
        (errors.ServerUnavailable("the device stopped"), "INTERNAL", True),
        (ValueError("secret"), "INTERNAL", True),
    ],
    ids=["the picture's fault", "not finite", "the device", "not ours"],
)
def test_a_frame_that_is_internal_has_an_id_of_the_log(error: Exception, reason: str, has_id: bool) -> None:
    found = frame_error(error)
    assert found.reason == reason
    assert ("error_id" in found.metadata) is has_id
    assert found.metadata.get("error_id", "") in found.message
    assert "secret" not in found.message


async def test_what_can_not_be_sent_any_more_is_no_fault_of_the_server() -> None:
    with pytest.raises(asyncio.CancelledError):
        async with answering(cast("Context", FakeContext())):
            raise grpc.aio.InternalError('Failed "execute_batch"')
    context = FakeContext()
    context.broken = grpc.aio.InternalError('Failed "execute_batch"')
    with pytest.raises(asyncio.CancelledError):
        async with answering(cast("Context", context)):
            raise errors.MissingField("no image", "image")


async def test_a_misuse_of_grpc_is_a_fault_of_the_server() -> None:
    context = FakeContext()
    with pytest.raises(Aborted):
        async with answering(cast("Context", context)):
            raise grpc.aio.InternalError("Failed grpc_call_start_batch: 8")
    assert context.code is grpc.StatusCode.INTERNAL
