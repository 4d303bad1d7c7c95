"""A progress bar for commands whose result comes at the end."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import Progress

from framewatch_client.live import progress_columns
from framewatch_client.score_files import ItemSink, take_nothing
from framewatch_client.types import Event, FrameResult


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
