"""Limits that several subjects share, and the check of every limit."""

from __future__ import annotations

from framewatch_core.errors import LimitExceeded

MAX_NAME_CHARS = 256
"""Characters of a label's name and of the ids of rules and regions."""


def check_limit(what: str, *, limit: str, maximum: int, actual: int, field: str = "") -> None:
    """Raises LimitExceeded if `actual` is more than `maximum`."""
    if actual > maximum:
        raise LimitExceeded(what, limit=limit, maximum=maximum, actual=actual, field=field)
