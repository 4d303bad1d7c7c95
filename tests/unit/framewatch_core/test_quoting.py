"""Texts of strangers as errors show them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from framewatch_core.quoting import listed, one_line, quoted


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a cat", "'a cat'"),
        ("a" * 100, f"'{'a' * 100}'"),
        ("a" * 101, f"'{'a' * 100}'…"),
        ("a\nb\x1b[2J", r"'a\nb\x1b[2J'"),
        ("\u202eevil", r"'\u202eevil'"),
    ],
    ids=["short", "as long as allowed", "too long", "control characters", "reversed direction"],
)
def test_quoted(text: str, shown: str) -> None:
    assert quoted(text) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [("  two\nlines ", "two lines"), ("\x1b[2J", r"\x1b[2J"), ("x" * 301, "x" * 299 + "…")],
    ids=["one line", "control characters", "too long"],
)
def test_one_line(text: str, shown: str) -> None:
    assert one_line(text) == shown


@given(st.text(max_size=2000))
def test_every_text_is_printable_and_bounded(text: str) -> None:
    assert one_line(text).isprintable()
    assert len(one_line(text)) <= 300
    assert quoted(text).isprintable()
    assert len(quoted(text)) <= 10 * 100 + 3  # a character that can't be printed has up to ten in its place


def test_long_lists_are_cut_off() -> None:
    assert listed(["a", "b"]) == "'a', 'b'"
    assert listed([str(i) for i in range(1200)], 2) == "'0', '1' and 1,198 more"
