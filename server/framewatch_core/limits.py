"""Limits that several subjects share, and the check of every limit."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from framewatch_core.errors import LimitExceeded

MAX_NAME_CHARS = 256
"""Characters of the names of labels and models, of the ids of rules and regions, and of tokens and ids of Resume."""


def check_limit(what: str, *, limit: str, maximum: int, actual: int, field: str = "") -> None:
    """Raises LimitExceeded if `actual` is more than `maximum`."""
    if actual > maximum:
        raise LimitExceeded(what, limit=limit, maximum=maximum, actual=actual, field=field)


def check_name(what: str, name: str, field: str) -> None:
    """Raises LimitExceeded for a name or an id that is too long."""
    check_limit(what, limit="max_name_chars", maximum=MAX_NAME_CHARS, actual=len(name), field=field)


class ByteAccount:
    """Bytes of one kind that are held, and their limit; used from one thread.

    Attributes:
        kind: the account's name in metrics.
        maximum: bytes that may be held.
        held: bytes that are held.

    """

    def __init__(self, kind: str, what: str, limit: str, maximum: int) -> None:
        """Opens an account. `what` and `limit`: names of the bytes and of their limit in errors."""
        self.kind = kind
        self.maximum = maximum
        self.held = 0
        self._what = what
        self._limit = limit

    @contextmanager
    def holding(self, count: int) -> Iterator[None]:
        """Counts bytes for as long as the context lasts. Raises LimitExceeded if they are too many."""
        check_limit(self._what, limit=self._limit, maximum=self.maximum, actual=self.held + count)
        self.held += count
        try:
            yield
        finally:
            self.held -= count
