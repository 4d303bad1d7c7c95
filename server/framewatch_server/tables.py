"""Rows of figures, printed as tables for people or as lines of JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

Row = dict[str, Any]

progress = Console(stderr=True)
"""The console of progress. It is standard error, because with --json standard output has the figures alone."""

_ANY_WIDTH = 10_000
_GAP_CELLS = 2  # between two columns without a line


def print_rows(title: str, rows: Sequence[Row], *, as_json: bool, columns: Sequence[str] = ()) -> None:
    """Prints rows that have the same keys, the first of which names the row.

    Args:
        title: the table's title.
        rows: at least one.
        as_json: prints a line of JSON per row rather than a table.
        columns: keys that the table shows; all by default.

    """
    if as_json:
        for row in rows:
            print(json.dumps(row))  # noqa: T201
        return
    console = Console()
    console.print(title, style="italic", markup=False, highlight=False)
    for table in _readable([_chosen(row, columns or list(row)) for row in rows], console):
        console.print(table)


def print_line(line: str) -> None:
    """Prints a line to standard error, without markup and line breaks."""
    progress.print(line, soft_wrap=True, markup=False, highlight=False)


def _readable(rows: Sequence[Row], console: Console) -> list[Table]:
    """Tables that fit the console: a line per row, else a column per row, else a line per row with broken names.

    If none fits, the columns are shared among as few tables as hold them.
    """
    for table in (_lines(rows), _turned(rows)):
        if console.measure(table, options=console.options.update_width(_ANY_WIDTH)).maximum <= console.width:
            return [table]
    first, *others = rows[0]
    widths = _widths(rows, console.width)
    if len(others) < 2 or widths[first] > 0:
        return [_broken(rows, widths)]
    middle = (len(others) + 1) // 2
    shares = (others[:middle], others[middle:])
    return [table for keys in shares for table in _readable([_chosen(row, [first, *keys]) for row in rows], console)]


def _chosen(row: Row, keys: Sequence[str]) -> Row:
    return {key: row[key] for key in keys}


def _lines(rows: Sequence[Row]) -> Table:
    table = Table(*rows[0])
    for row in rows:
        table.add_row(*map(_cell, row.values()))
    return table


def _turned(rows: Sequence[Row]) -> Table:
    first, *others = rows[0]
    table = Table(first, *(_cell(row[first]) for row in rows))
    for key in others:
        table.add_row(key, *(_cell(row[key]) for row in rows))
    return table


def _broken(rows: Sequence[Row], widths: Mapping[str, int]) -> Table:
    """A line per row, whose names and headings go on in further lines, broken between words."""
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False)
    for key in rows[0]:
        table.add_column(key, width=widths[key] or None)
    for row in rows:
        table.add_row(*map(_cell, row.values()))
    return table


def _widths(rows: Sequence[Row], width: int) -> dict[str, int]:
    """Widths of columns, of their longest words; the first, of names, has what is left, or 0 if it is too little."""
    texts = {key: [key, *(_cell(row[key]) for row in rows)] for key in rows[0]}
    longest_words = {
        key: max(len(word) for text in cells for word in text.split() or [""]) for key, cells in texts.items()
    }
    first, *others = texts
    left = width - sum(longest_words[key] + _GAP_CELLS for key in others)
    needed = max(map(len, texts[first]))
    return {**longest_words, first: min(left, needed) if left >= longest_words[first] else 0}


def _cell(value: object) -> str:
    return f"{value:,.4g}" if isinstance(value, float) else str(value)
