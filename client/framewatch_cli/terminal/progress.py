"""A progress bar for commands whose result comes at the end."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import Progress, TaskID, TextColumn

from framewatch_cli.commands.actions import Output
from framewatch_cli.labelling.sorting import Decision, PictureResult, Pile, ShowPicture
from framewatch_cli.rules.score_files import ItemSink, take_nothing
from framewatch_cli.terminal.live import progress_columns
from framewatch_client import Event, FrameResult


@contextmanager
def frame_progress(console: Console, frame_count: int | None) -> Iterator[ItemSink]:
    """Counts results on a terminal; elsewhere shows nothing. `frame_count`: of all; None: unknown."""
    if not console.is_terminal or console.is_dumb_terminal:
        yield take_nothing
        return
    with Progress(*progress_columns(frame_count), console=console, transient=True) as progress:
        task = progress.add_task("", total=frame_count)

        def show(item: FrameResult | Event) -> None:
            if isinstance(item, FrameResult):
                progress.advance(task)

        yield show


class PictureProgress:
    """Counts pictures on a terminal; elsewhere shows nothing. A context manager that ends it."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._progress: Progress | None = None
        self._task = TaskID(0)

    def start(self, picture_count: int | None) -> None:
        """Begins to show. `picture_count`: of all; None: unknown."""
        if self._console.is_terminal and not self._console.is_dumb_terminal and picture_count != 0:
            columns = progress_columns(picture_count, unit="pictures")
            self._progress = Progress(*columns, console=self._console, transient=True)
            self._task = self._progress.add_task("", total=picture_count)
            self._progress.start()

    def advance(self) -> None:
        """One more is done."""
        if self._progress is not None:
            self._progress.advance(self._task)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._progress is not None:
            self._progress.stop()


@contextmanager
def label_progress(output: Output, total: int | None, done_count: int) -> Iterator[ShowPicture]:
    """Counts labelled pictures on a terminal, those of earlier runs too; elsewhere shows nothing.

    Args:
        output: where it is shown.
        total: of all pictures; None: unknown.
        done_count: of those that are done already.

    """
    console = output.errors
    if not console.is_terminal or console.is_dumb_terminal:
        yield lambda _picture, _decision: None
        return
    columns = (*progress_columns(total, "pictures"), TextColumn("{task.description}"))
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("", total=total, completed=done_count)
        piles = dict.fromkeys(Pile, 0)

        def show(_picture: PictureResult, decision: Decision) -> None:
            piles[decision.pile] += 1
            told = ", ".join(f"{count:,} {pile}" for pile, count in piles.items() if count)
            progress.update(task, advance=1, description=told)

        yield show
