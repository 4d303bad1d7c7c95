"""Figures as tables for people and as lines of JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

Row = dict[str, Any]

progress = Console(stderr=True)
"""To standard error: with --json, standard output has the figures and nothing else."""

_ANY_WIDTH = 10_000


def print_rows(title: str, rows: Sequence[Row], *, as_json: bool, columns: Sequence[str] = ()) -> None:
    """Prints rows that have the same keys, the first of which names the row.

    Args:
        title: of the table.
        rows: at least one.
        as_json: one line of JSON per row rather than a table.
        columns: the keys that the table has; all of them unless given.

    """
    if as_json:
        for row in rows:
            print(json.dumps(row))  # noqa: T201
        return
    console = Console()
    console.print(title, style="italic", markup=False, highlight=False)
    for table in _readable([{key: row[key] for key in columns or row} for row in rows], console):
        console.print(table)


def _readable(rows: Sequence[Row], console: Console) -> list[Table]:
    """A line per row; a column per row where lines are too long for the console; several tables where both are."""
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
