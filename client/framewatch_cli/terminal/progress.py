"""Progress bars for commands whose result comes at the end."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text


class ProgressCounter:
    """Counter of what is done, with a bar if the total is known; shows nothing where there is no terminal.

    A context manager, which removes the bar at the end.
    """

    def __init__(self, console: Console, unit: str) -> None:
        """Creates a counter that is not shown yet. `unit`: plural name of what is counted, such as «frames»."""
        self._console = console
        self._unit = unit
        self._progress: Progress | None = None
        self._task = TaskID(0)

    def start(self, total: int | None, done_count: int = 0) -> None:
        """Shows the counter.

        Args:
            total: how many there are in all; None if that is unknown.
            done_count: how many were done before.

        """
        if not self._console.is_terminal or self._console.is_dumb_terminal or total == 0:
            return
        columns = (*progress_columns(total, self._unit), TextColumn("{task.description}"))
        self._progress = Progress(*columns, console=self._console, transient=True)
        self._task = self._progress.add_task("", total=total, completed=done_count)
        self._progress.start()

    def advance(self, description: str = "") -> None:
        """Counts one more. `description`: text behind the bar."""
        if self._progress is not None:
            self._progress.update(self._task, advance=1, description=description)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._progress is not None:
            self._progress.stop()


def progress_columns(total: int | None, unit: str) -> tuple[ProgressColumn, ...]:
    """Returns the columns of a progress line: a bar with the time left, or a mere count if the total is unknown."""
    rate = _RateColumn(unit)
    if total is None:
        return (SpinnerColumn(), TextColumn(f"{{task.completed:,}} {unit}"), rate)
    return (BarColumn(bar_width=30), MofNCompleteColumn(), rate, TimeRemainingColumn(compact=True))


class _RateColumn(ProgressColumn):
    """Column with the recent rate, in units a second."""

    def __init__(self, unit: str) -> None:
        super().__init__()
        self._unit = unit

    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text("" if speed is None else f"{speed:.1f} {self._unit}/s", "cyan")
