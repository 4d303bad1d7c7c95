"""Progress of downloads on a console: bars in a terminal, else a line per file."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from rich.console import Console
from rich.filesize import decimal
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.progress import TransferSpeedColumn as SpeedColumn


class ConsoleProgress:
    """Progress on a console, see `framewatch_server.vision.checkpoints.hub.progress`; use as a context manager."""

    def __init__(self, console: Console) -> None:
        """Sets up the bars; `console`: of standard error, so that standard output has the answers alone."""
        self._console = console
        self._tasks: dict[str, TaskID] = {}
        columns = (
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            DownloadColumn(),
            SpeedColumn(),
            TimeRemainingColumn(),
        )
        self._bars = Progress(*columns, console=console, disable=not console.is_terminal)

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._bars.stop()

    def begin(self, file: str, size: int, done: int) -> None:
        """See `Progress.begin`."""
        if file in self._tasks:
            self._bars.update(self._tasks[file], completed=done)
            return
        self._tasks[file] = self._bars.add_task(file, total=size, completed=done)
        if not self._console.is_terminal:
            already_here = f", of which {decimal(done)} are here already" if done else ""
            self._console.print(f"downloading {file}, {decimal(size)}{already_here}", highlight=False, markup=False)

    def advance(self, file: str, count: int) -> None:
        """See `Progress.advance`."""
        self._bars.advance(self._tasks[file], count)
