"""Text of servers and files on a terminal: what acts on it is escaped, and what is too long is cut off."""

from __future__ import annotations

from framewatch_client import without_password

MAX_NAME_CHARS = 120
"""Characters that are shown of a label, a region, a rule or a model."""
MAX_MESSAGE_CHARS = 2000
"""Characters that are shown of a message."""

_KEPT = frozenset("\n\t\u200c\u200d")
"""Characters that are not printable but shown as they are: the last two join letters of some scripts and emojis."""
_BASIC_PLANE_END = 0x10000


def escaped(text: str) -> str:
    r"""Returns a text whose control characters, direction marks and parts of no text are written as `\x1b`."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() or char in _KEPT else repr(char)[1:-1] for char in text)


def escaped_json(line: str) -> str:
    r"""Returns JSON that has the same values, with control characters and direction marks as `\u001b`."""
    if line.isprintable():
        return line
    return "".join(char if char.isprintable() or char in "\u200c\u200d" else _json_escape(char) for char in line)


def _json_escape(char: str) -> str:
    code = ord(char)
    if code < _BASIC_PLANE_END:
        return f"\\u{code:04x}"
    high, low = divmod(code - _BASIC_PLANE_END, 0x400)
    return f"\\u{0xD800 + high:04x}\\u{0xDC00 + low:04x}"


def clipped(text: str, max_chars: int = MAX_NAME_CHARS) -> str:
    """Returns a text that is cut off with «…» if it is longer."""
    return text if len(text) <= max_chars else f"{text[: max_chars - 1]}…"


def name_text(name: str) -> str:
    """Returns a name for people: escaped and clipped."""
    return clipped(escaped(name))


def message_text(text: str) -> str:
    """Returns a message for people: without passwords of URLs, escaped and clipped."""
    return clipped(escaped(without_password(text[: 4 * MAX_MESSAGE_CHARS])), MAX_MESSAGE_CHARS)
