"""Rows of figures, printed as tables for people or as lines of JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

Row = dict[str, Any]

progress = Console(stderr=True)
"""The console of progress. It is standard error, because with --json standard output has the figures alone."""

_ANY_WIDTH = 10_000


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
    for table in _readable([{key: row[key] for key in columns or row} for row in rows], console):
        console.print(table)


def print_line(line: str) -> None:
    """Prints a line to standard error, without markup and line breaks."""
    progress.print(line, soft_wrap=True, markup=False, highlight=False)


def _readable(rows: Sequence[Row], console: Console) -> list[Table]:
    """Tables that fit the console: a line per row, else a column per row, else several tables of columns."""
    for table in (_lines(rows), _turned(rows)):
        if console.measure(table, options=console.options.update_width(_ANY_WIDTH)).maximum <= console.width:
            return [table]
    if len(rows) == 1:
        return [_turned(rows)]
    middle = (len(rows) + 1) // 2
    return [*_readable(rows[:middle], console), *_readable(rows[middle:], console)]


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


def _cell(value: object) -> str:
    return f"{value:,.4g}" if isinstance(value, float) else str(value)
