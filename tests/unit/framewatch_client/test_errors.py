"""The tree of the client's errors."""

from __future__ import annotations

import pickle
import re
from copy import copy

import grpc
import pytest

from framewatch_client import (
    ClientClosed,
    ClientForked,
    FramewatchCallError,
    FramewatchError,
    InvalidResponse,
    InvalidType,
    InvalidValue,
    ModelNotFound,
    ServerUnreachableError,
    SourceError,
    StreamEndedEarly,
    errors,
    parse_region,
    parse_rule,
)
from framewatch_core.errors import FieldError, InvalidRule, LimitExceeded

KINDS: list[type[FramewatchError]] = [
    FramewatchCallError,
    ServerUnreachableError,
    StreamEndedEarly,
    InvalidResponse,
    ModelNotFound,
    ClientClosed,
    ClientForked,
    SourceError,
    InvalidValue,
    InvalidType,
    FieldError,
]


def test_the_drawing_has_all_errors() -> None:
    assert errors.__doc__ is not None
    drawn = re.findall(r"── (\w+)", errors.__doc__)
    assert drawn == [kind.__name__ for kind in KINDS]


@pytest.mark.parametrize("kind", KINDS)
def test_the_root_catches_it(kind: type[FramewatchError]) -> None:
    assert issubclass(kind, FramewatchError)


@pytest.mark.parametrize(
    ("error", "reason", "text"),
    [
        (InvalidResponse("3 vectors"), "INVALID_RESPONSE", "the server's answer can't be used: 3 vectors; update"),
        (ClientClosed(), "CLIENT_CLOSED", "the client was closed"),
        (ClientForked("no"), "CLIENT_FORKED", "no"),
        (StreamEndedEarly("ended"), "STREAM_ENDED_EARLY", "ended"),
        (SourceError("no camera"), "SOURCE_FAILED", "no camera"),
        (InvalidValue("no"), "INVALID_VALUE", "no"),
        (InvalidType("no"), "INVALID_TYPE", "no"),
        (ServerUnreachableError("gone"), "SERVER_UNREACHABLE", "gone"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_each_has_a_reason_and_a_message(error: FramewatchError, reason: str, text: str) -> None:
    assert error.reason == reason
    assert text in error.message
    assert text in str(error)


@pytest.mark.parametrize("read", [parse_rule, parse_region])
def test_misuse_is_also_a_builtin_error(read: object) -> None:
    with pytest.raises(ValueError, match="can't be read") as caught:
        read("nonsense")  # type: ignore[operator]
    assert isinstance(caught.value, InvalidValue)


@pytest.mark.parametrize(
    "error",
    [
        FramewatchCallError(
            grpc.StatusCode.NOT_FOUND,
            "MODEL_NOT_FOUND",
            "no",
            fields={"model": "x"},
            metadata={"a": "b"},
            transient=True,
        ),
        ServerUnreachableError("gone"),
        ClientClosed(),
        InvalidResponse("3 vectors"),
        InvalidValue("no"),
        InvalidRule("no", "rules[0].label"),
        LimitExceeded("texts", limit="max_texts", maximum=1, actual=2, field="texts"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_an_error_passes_from_process_to_process(error: FramewatchError) -> None:
    for same in (pickle.loads(pickle.dumps(error)), copy(error)):
        assert (type(same), str(same), same.args, vars(same)) == (type(error), str(error), error.args, vars(error))
