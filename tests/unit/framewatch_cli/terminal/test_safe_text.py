"""Text of strangers on the terminal."""

from __future__ import annotations

import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.table import Table
from rich.text import Text

from framewatch_cli.terminal.json_lines import print_object
from framewatch_cli.terminal.output import Output, SafeConsole
from framewatch_cli.terminal.safe_text import MAX_MESSAGE_CHARS, clipped, escaped, escaped_json, message_text

HOSTILE = "\x1b]0;title\x07\x1b[2J\x9b31m\x7f\b\u202edrawkcab\udcff"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a cat", "a cat"),
        ("\x1b[2J", r"\x1b[2J"),
        ("\x9b31m", r"\x9b31m"),
        ("\u202eabc", r"\u202eabc"),
        ("\udcff", r"\udcff"),
        ("two\nlines\t", "two\nlines\t"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("\r\x00", r"\r\x00"),
    ],
)
def test_what_acts_on_a_terminal_is_escaped(text: str, expected: str) -> None:
    assert escaped(text) == expected
    assert escaped(expected) == expected


@given(st.text())
def test_escaped_json_has_the_same_values(text: str) -> None:
    line = json.dumps({"label": text}, ensure_ascii=False)
    shown = escaped_json(line)
    assert json.loads(shown) == {"label": text}
    assert shown.replace("\u200c", "").replace("\u200d", "").isprintable()


def test_messages_are_short_and_have_no_passwords() -> None:
    assert message_text("no rtsp://user:secret@host") == "no rtsp://user:***@host"
    assert len(message_text("x" * 100_000)) == MAX_MESSAGE_CHARS
    assert clipped("abcdef", 4) == "abc…"


@pytest.mark.parametrize("terminal", [True, False])
def test_no_renderable_acts_on_the_terminal(terminal: bool) -> None:
    written = io.StringIO()
    console = SafeConsole(file=written, force_terminal=terminal, width=40, highlight=False, color_system=None)
    table = Table(title=HOSTILE)
    table.add_column(Text(HOSTILE), overflow="fold")
    table.add_row(Text(HOSTILE))
    console.print(table)
    console.print(Text(HOSTILE), HOSTILE, soft_wrap=True)
    console.rule(HOSTILE)
    shown = written.getvalue()
    shown.encode()
    for char in "\x07\x9b\x7f\b\u202e\udcff":
        assert char not in shown
    assert "\x1b]" not in shown
    assert "\x1b[2J" not in shown


def test_errors_and_objects_are_safe(capsys: pytest.CaptureFixture[str]) -> None:
    Output().print_error(f"error: {HOSTILE} rtsp://user:secret@host")
    print_object({"label": HOSTILE})
    out, err = capsys.readouterr()
    assert "\x1b" not in out + err
    assert "secret" not in err
    assert json.loads(out) == {"label": HOSTILE}
