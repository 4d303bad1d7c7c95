"""Texts of other libraries' errors, short enough to be quoted in an error of ours."""

from __future__ import annotations

_LONGEST = 300  # characters; an error about weights names each of hundreds, and an HTTP error quotes a whole page


def first_line(error: BaseException) -> str:
    """Returns the first line of an error's text; its type's name if it has no text."""
    return (str(error).strip().partition("\n")[0] or type(error).__name__)[:_LONGEST]


def one_line(error: BaseException) -> str:
    """Returns an error's text with its lines joined into one; its type's name if it has no text."""
    return " ".join(str(error).split())[:_LONGEST] or type(error).__name__
