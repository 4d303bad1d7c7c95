"""Paths of fields in the errors of requests."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from framewatch_core.errors import FieldError


@contextmanager
def under(path: str) -> Iterator[None]:
    """Puts a path in front of the field of errors raised inside."""
    try:
        yield
    except FieldError as error:
        raise error.under(path) from None
