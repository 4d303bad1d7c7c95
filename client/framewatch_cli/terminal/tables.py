"""Tables, bars and times in the style of the command."""

from __future__ import annotations

from rich import box
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

BAR_CELLS = 20
MIN_NAME_CELLS = 10
_EIGHTHS = " ▏▎▍▌▋▊▉"


def clock(time_s: float) -> str:
    """Returns seconds as `MM:SS.mmm`, or `H:MM:SS.mmm` from an hour on."""
    milliseconds = round(time_s * 1000)
    seconds, milliseconds = divmod(milliseconds, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{f'{hours}:' if hours else ''}{minutes:02d}:{seconds:02d}.{milliseconds:03d}"


def bar(fraction: float, cells: int = BAR_CELLS) -> str:
    """Returns a bar of at most `cells` characters, in steps of an eighth; `fraction` is clipped to [0, 1]."""
    eighths = round(min(1.0, max(0.0, fraction)) * cells * 8)
    full, rest = divmod(eighths, 8)
    return "█" * full + (_EIGHTHS[rest] if rest else "")


class Bar:
    """Bar in a table's cell: it takes the width that the other columns leave, and vanishes if they leave none."""

    def __init__(self, fraction: float, style: str) -> None:
        self._fraction = fraction
        self._style = style

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield Text(bar(self._fraction, min(options.max_width, BAR_CELLS)), self._style)

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        return Measurement(0, BAR_CELLS)


def plain_table() -> Table:
    """Returns an empty table with one rule below its header."""
    return Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)


def framed(table: Table, *, title: str = "", footer: str = "") -> RenderableType:
    """Returns the table with a bold line above it and a dim line below it; an empty text: without that line.

    The title is no part of the table: as wide as a narrow table, a long path would be broken into several lines.
    """
    above = (Text(title, "bold"),) if title else ()
    below = (Text(footer, "dim"),) if footer else ()
    return Group(*above, table, *below)
