"""The fault of a failed call: the picture's, shared, or unclear."""

from __future__ import annotations

import grpc
import pytest

from framewatch_cli.pictures.faults import Fault, fault_of, fault_text, picture_at_fault
from framewatch_client import FramewatchCallError, ServerUnreachableError, SourceError
from framewatch_core.errors import EmptyImage

CODE = grpc.StatusCode


def call_error(code: grpc.StatusCode, reason: str, *fields: str) -> FramewatchCallError:
    return FramewatchCallError(code, reason, "no", fields=dict.fromkeys(fields, ""))


INVALID, EXHAUSTED = CODE.INVALID_ARGUMENT, CODE.RESOURCE_EXHAUSTED


@pytest.mark.parametrize(
    ("error", "count", "expected"),
    [
        (call_error(INVALID, "UNDECODABLE_IMAGE", "images[3].encoded"), 8, 3),
        (call_error(EXHAUSTED, "IMAGE_TOO_LARGE", "images[0]"), 8, 0),
        (call_error(INVALID, "UNDECODABLE_IMAGE", "image.encoded"), 1, 0),
        (call_error(INVALID, "UNDECODABLE_IMAGE", "images[8].encoded"), 8, None),
        (call_error(INVALID, "INVALID_FIELD", "texts[0]"), 8, None),
        (call_error(EXHAUSTED, "LIMIT_EXCEEDED", "images"), 8, None),
        (call_error(EXHAUSTED, "LIMIT_EXCEEDED"), 1, None),
        (call_error(EXHAUSTED, "RESOURCE_EXHAUSTED"), 1, 0),
        (call_error(EXHAUSTED, "RESOURCE_EXHAUSTED"), 2, None),
    ],
    ids=[
        "named",
        "too large",
        "the only one",
        "none of them",
        "another field",
        "too many pictures",
        "the server is full",
        "message too large",
        "of several",
    ],
)
def test_the_picture_that_failed_the_call(error: FramewatchCallError, count: int, expected: int | None) -> None:
    assert picture_at_fault(error, count) == expected


@pytest.mark.parametrize(
    ("error", "count", "expected"),
    [
        (call_error(CODE.INTERNAL, "INTERNAL"), 1, Fault.UNCLEAR),
        (call_error(CODE.UNKNOWN, "UNKNOWN"), 8, Fault.UNCLEAR),
        (call_error(EXHAUSTED, "RESOURCE_EXHAUSTED"), 8, Fault.UNCLEAR),
        (call_error(EXHAUSTED, "RESOURCE_EXHAUSTED"), 1, Fault.PICTURE),
        (call_error(EXHAUSTED, "LIMIT_EXCEEDED"), 8, Fault.SHARED),
        (call_error(EXHAUSTED, "LIMIT_EXCEEDED", "images"), 8, Fault.SHARED),
        (call_error(CODE.UNAVAILABLE, "SERVER_DRAINING"), 8, Fault.SHARED),
        (ServerUnreachableError("gone"), 1, Fault.SHARED),
        (call_error(CODE.DEADLINE_EXCEEDED, "DEADLINE_EXCEEDED"), 8, Fault.SHARED),
        (call_error(CODE.DEADLINE_EXCEEDED, "DEADLINE_EXCEEDED"), 1, Fault.UNCLEAR),
        (call_error(CODE.NOT_FOUND, "MODEL_NOT_FOUND"), 8, Fault.SHARED),
        (call_error(INVALID, "INVALID_FIELD", "texts[0]"), 8, Fault.SHARED),
        (call_error(INVALID, "INVALID_LABEL_SET", "label_set.labels"), 1, Fault.SHARED),
        (call_error(INVALID, "UNDECODABLE_IMAGE", "image.encoded"), 1, Fault.PICTURE),
        (call_error(INVALID, "UNDECODABLE_IMAGE", "images[3].encoded"), 8, Fault.PICTURE),
    ],
    ids=[
        "internal",
        "unknown",
        "message too large",
        "message of one too large",
        "full",
        "too many pictures",
        "unavailable",
        "no server",
        "late",
        "one is late",
        "no model",
        "a field",
        "labels",
        "image",
        "one of several",
    ],
)
def test_who_is_at_fault(error: FramewatchCallError, count: int, expected: Fault) -> None:
    assert fault_of(error, count) is expected


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (FileNotFoundError(2, "No such file or directory", "a.png"), "No such file or directory"),
        (call_error(INVALID, "UNDECODABLE_IMAGE", "image"), "no [UNDECODABLE_IMAGE]"),
        (EmptyImage("the file is empty"), "the file is empty [EMPTY_IMAGE]"),
        (SourceError("the video has no frames"), "the video has no frames"),
    ],
    ids=["a file", "a call", "of the client", "a video"],
)
def test_a_fault_is_a_sentence(error: Exception, text: str) -> None:
    assert fault_text(error) == text
