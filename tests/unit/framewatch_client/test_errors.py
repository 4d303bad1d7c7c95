"""The tree of the client's errors."""

from __future__ import annotations

import re

import pytest

from framewatch_client import (
    ClientClosed,
    FramewatchCallError,
    FramewatchError,
    InvalidResponse,
    InvalidType,
    InvalidValue,
    ModelNotFound,
    ServerUnreachableError,
    SourceError,
    errors,
    parse_region,
    parse_rule,
)
from framewatch_core.errors import FieldError

KINDS: list[type[FramewatchError]] = [
    FramewatchCallError,
    ServerUnreachableError,
    InvalidResponse,
    ModelNotFound,
    ClientClosed,
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
        (ClientClosed(), "CANCELLED", "its client was closed"),
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
