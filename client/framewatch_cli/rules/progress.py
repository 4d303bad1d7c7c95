"""Progress bar of the commands that score a whole recording before they print a result."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console

from framewatch_cli.rules.recording import ItemSink
from framewatch_cli.terminal.progress import ProgressCounter
from framewatch_client import FrameResult, StreamResult


@contextmanager
def frame_progress(console: Console) -> Iterator[ItemSink]:
    """Yields a sink that counts frames on the terminal; it shows nothing where there is none."""
    with ProgressCounter(console, "frames") as progress:
        progress.start(None)

        def show(item: StreamResult) -> None:
            if isinstance(item, FrameResult):
                progress.advance()

        yield show
