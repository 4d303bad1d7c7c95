"""How `watch` shows what it sees: live on a terminal, in plain lines elsewhere, as JSON for programs."""

from __future__ import annotations

import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from types import TracebackType
from typing import Self

from google.protobuf.message import Message
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Table
from rich.text import Text

from framewatch_client.render import bar, counter_line, event_line, failure_line, summary_tables
from framewatch_client.score_files import json_line
from framewatch_client.summary import WatchSummary
from framewatch_client.types import Event, FrameResult, StreamStarted

REFRESHES_PER_S = 10
SHOWN_SCORES = 5


class WatchView(ABC):
    """Shows a stream; a context manager that ends with the summary, however the stream ends."""

    def __init__(self, source: str, summary: WatchSummary, clock: Callable[[], float] = time.monotonic) -> None:
        self._source = source
        self._summary = summary
        self._clock = clock
        self._start_s = clock()
        self._has_started = False

    def started(self, started: StreamStarted) -> None:  # noqa: ARG002
        """The server took the config."""
        self._has_started = True

    @abstractmethod
    def show(self, item: FrameResult | Event) -> None:
        """Shows an outcome or event that the summary has counted."""

    def _summary_tables(self) -> RenderableType:
        return summary_tables(self._summary, source=self._source, elapsed_s=self._clock() - self._start_s)

    def __enter__(self) -> Self:
        return self

    @abstractmethod
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Ends the view with the summary."""


class PlainView(WatchView):
    """Events and failures as lines, then the summary."""

    def __init__(
        self, console: Console, source: str, summary: WatchSummary, clock: Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__(source, summary, clock)
        self._console = console

    def show(self, item: FrameResult | Event) -> None:
        """Prints events and failures."""
        if isinstance(item, Event):
            self._console.print(event_line(item), soft_wrap=True)
        elif item.error is not None:
            self._console.print(failure_line(item.frame_id, item.error), soft_wrap=True)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._has_started and not isinstance(error, BrokenPipeError):
            self._console.print()
            self._console.print(self._summary_tables())


class LiveView(PlainView):
    """As PlainView, with a progress bar, the newest scores and counters below, which go at the end."""

    def __init__(
        self,
        console: Console,
        source: str,
        summary: WatchSummary,
        frame_count: int | None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(console, source, summary, clock)
        self._progress = Progress(*progress_columns(frame_count), console=console)
        self._task = self._progress.add_task("", total=frame_count)
        self._live = Live(
            console=console, get_renderable=self._frame, refresh_per_second=REFRESHES_PER_S, transient=True
        )

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def show(self, item: FrameResult | Event) -> None:
        """Prints events and failures above the live part and moves the bar on."""
        super().show(item)
        if isinstance(item, FrameResult):
            self._progress.update(self._task, completed=self._summary.answered)

    def _frame(self) -> RenderableType:
        """What is live: a blank line, the newest scores, the counters, the bar."""
        scores = self._summary.last.scores[:SHOWN_SCORES] if self._summary.last else ()
        table = Table.grid(padding=(0, 2, 0, 0))
        table.add_column(no_wrap=True, overflow="ellipsis", max_width=32)
        table.add_column(no_wrap=True, justify="right")
        table.add_column(no_wrap=True)
        for i, score in enumerate(scores):
            style = "bold green" if i == 0 else "blue"
            table.add_row(Text(score.label), f"{score.probability:.2f}", Text(bar(score.probability), style))
        return Group(Text(), table, counter_line(self._summary), self._progress)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._live.stop()
        super().__exit__(kind, error, traceback)


class JsonView(WatchView):
    """Every response as a line of JSON on standard output; the summary goes to standard error."""

    def __init__(
        self, errors: Console, source: str, summary: WatchSummary, clock: Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__(source, summary, clock)
        self._errors = errors

    def started(self, started: StreamStarted) -> None:
        """Prints the response."""
        super().started(started)
        print_json(started.message)

    def show(self, item: FrameResult | Event) -> None:
        """Prints the response."""
        print_json(item.message)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._has_started and not isinstance(error, BrokenPipeError):
            self._errors.print(self._summary_tables())


def print_json(message: Message) -> None:
    """The message on one line in protobuf's JSON mapping, with the .proto's field names and zeros written out."""
    sys.stdout.write(json_line(message) + "\n")
    sys.stdout.flush()


def progress_columns(frame_count: int | None) -> tuple[ProgressColumn, ...]:
    """A bar, or counters where the number of frames is not known."""
    rate = _RateColumn()
    if frame_count is None:
        return (SpinnerColumn(), TextColumn("{task.completed:,} frames"), rate)
    return (BarColumn(bar_width=30), MofNCompleteColumn(), rate, TimeRemainingColumn(compact=True))


class _RateColumn(ProgressColumn):
    """Frames a second, over the last while."""

    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text("" if speed is None else f"{speed:.1f} frames/s", "cyan")
