"""Text of strangers in errors: short, on one line, and without characters that act on a terminal.

Names, ids and templates come from clients, and texts of other libraries quote files that came from them. gRPC loses a
status of more than 16 KB, so every such text goes through here.
"""

from __future__ import annotations

MAX_QUOTED_CHARS = 100
"""Characters that are shown of a name, an id or a text."""
MAX_SENTENCE_CHARS = 300
"""Characters that are shown of another library's sentence."""
MAX_LISTED = 10
"""Names that are shown of a list of known ones."""


def quoted(text: str, max_chars: int = MAX_QUOTED_CHARS) -> str:
    """Returns a text in quotation marks, its end cut off with «…» if it is long, and what can't be printed escaped."""
    return repr(text) if len(text) <= max_chars else f"{text[:max_chars]!r}…"


def one_line(text: str, max_chars: int = MAX_SENTENCE_CHARS) -> str:
    """Returns a sentence without quotation marks: one line, cut off as `quoted`, what can't be printed escaped."""
    kept = " ".join(text[: 4 * max_chars].split())
    shown = "".join(char if char.isprintable() else repr(char)[1:-1] for char in kept)
    return shown if len(shown) <= max_chars else f"{shown[: max_chars - 1]}…"


def listed(names: list[str], max_count: int = MAX_LISTED) -> str:
    """Returns names in quotation marks with commas between; of many the first ones, and how many more there are."""
    shown = ", ".join(map(quoted, names[:max_count]))
    return shown if len(names) <= max_count else f"{shown} and {len(names) - max_count:,} more"
