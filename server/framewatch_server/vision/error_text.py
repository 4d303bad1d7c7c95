"""Texts of other libraries' errors, short enough to be quoted in an error of ours."""

from __future__ import annotations

from framewatch_core import quoting


def first_line(error: BaseException) -> str:
    """Returns the first line of an error's text; its type's name if it has no text."""
    return quoting.one_line(str(error).strip().partition("\n")[0]) or type(error).__name__


def one_line(error: BaseException) -> str:
    """Returns an error's text with its lines joined into one; its type's name if it has no text."""
    return quoting.one_line(str(error)) or type(error).__name__
