"""Views of a stream: live on a terminal, plain lines elsewhere, JSON for programs."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from types import TracebackType
from typing import Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress import Progress
from rich.table import Table
from rich.text import Text

from framewatch_cli.terminal.json_lines import print_line
from framewatch_cli.terminal.progress import progress_columns
from framewatch_cli.terminal.safe_text import name_text
from framewatch_cli.terminal.tables import bar
from framewatch_cli.watching.lines import (
    counter_line,
    event_line,
    explanation_report,
    failure_line,
    health_event_line,
    reconnected_line,
    summary_tables,
    trail_line,
)
from framewatch_cli.watching.summary import WatchSummary
from framewatch_client import Event, Explanation, FrameResult, HealthEvent, Reconnected, StreamResult, StreamStarted
from framewatch_core.labels.scoring import ScoreKind
from framewatch_core.rules.rule import EventRule
from framewatch_wire.json_lines import response_json

REFRESHES_PER_S = 10
SHOWN_SCORES = 5
SHOWN_RULES = 12


class WatchView(ABC):
    """View of a stream; a context manager that ends with the summary, however the stream ends."""

    def __init__(self, source: str, summary: WatchSummary, clock: Callable[[], float] = time.monotonic) -> None:
        self._source = source
        self._summary = summary
        self._clock = clock
        self._start_s = clock()
        self._has_started = False
        self._explanation: Explanation | None = None

    def started(self, started: StreamStarted) -> None:  # noqa: ARG002
        """Notes that the server accepted the config: from now on there is something to sum up."""
        self._has_started = True

    def reconnected(self, reconnected: Reconnected) -> None:
        """Shows that the connection was lost and is back, with or without the state of the stream's rules."""
        if not reconnected.started.resumed:
            self._summary.start_anew()
        self._show_reconnected(reconnected)

    @abstractmethod
    def _show_reconnected(self, reconnected: Reconnected) -> None:
        """Shows it; the summary has noted already that rules start anew, if they do."""

    def explain(self, explanation: Explanation) -> None:
        """Keeps the explanation of what the rules wait for, to be shown at the end."""
        self._explanation = explanation

    @abstractmethod
    def show(self, item: StreamResult) -> None:
        """Shows an outcome or event that the summary has already counted."""

    def _summary_tables(self) -> RenderableType:
        tables = summary_tables(self._summary, source=self._source, elapsed_s=self._clock() - self._start_s)
        if self._explanation is None:
            return tables
        rules = ((rule.rule_id, rule.next_kind, rule.message) for rule in self._explanation.rules)
        return Group(tables, Text(), explanation_report(rules))

    def __enter__(self) -> Self:
        return self

    @abstractmethod
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Ends the view with the summary."""


class PlainView(WatchView):
    """View that prints events and failures as lines, then the summary."""

    def __init__(
        self, console: Console, source: str, summary: WatchSummary, clock: Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__(source, summary, clock)
        self._console = console

    def show(self, item: StreamResult) -> None:
        """Prints events and failures."""
        if isinstance(item, Event):
            self._console.print(event_line(item), soft_wrap=True)
            if item.trail is not None:
                self._console.print(trail_line(item.trail), soft_wrap=True)
        elif isinstance(item, HealthEvent):
            self._console.print(health_event_line(item), soft_wrap=True)
        elif item.error is not None:
            self._console.print(failure_line(item.frame_id, item.error), soft_wrap=True)

    def _show_reconnected(self, reconnected: Reconnected) -> None:
        self._console.print(reconnected_line(reconnected), soft_wrap=True)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._has_started and not isinstance(error, BrokenPipeError):
            self._console.print()
            self._console.print(self._summary_tables())


class LiveView(PlainView):
    """PlainView with a progress bar, the newest scores and counters below its lines, which are removed at the end."""

    def __init__(
        self,
        console: Console,
        source: str,
        summary: WatchSummary,
        frame_count: int | None,
        clock: Callable[[], float] = time.monotonic,
        *,
        rules: Sequence[EventRule] = (),
    ) -> None:
        """Creates a view that is not shown yet.

        Args:
            console: a terminal.
            source: name of the source for the summary.
            summary: counts; the caller adds each item before it is shown.
            frame_count: how many frames there will be; None if that is unknown.
            clock: seconds; a test's own.
            rules: their scores are shown, unless all of them compare probabilities of the whole frame: then the
                labels with the highest probabilities are.

        """
        super().__init__(console, source, summary, clock)
        self._rules = rules
        self._progress = Progress(*progress_columns(frame_count, "frames"), console=console)
        self._task = self._progress.add_task("", total=frame_count)
        self._live = Live(
            console=console, get_renderable=self._frame, refresh_per_second=REFRESHES_PER_S, transient=True
        )

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def show(self, item: StreamResult) -> None:
        """Prints events and failures above the live part and moves the bar on."""
        super().show(item)
        if isinstance(item, FrameResult):
            self._progress.update(self._task, completed=self._summary.answered)

    def _frame(self) -> RenderableType:
        """Returns the live part: a blank line, the newest scores, the counters, the bar."""
        table = Table.grid(padding=(0, 2, 0, 0))
        table.add_column(no_wrap=True, overflow="ellipsis", max_width=32)
        table.add_column(no_wrap=True, justify="right")
        table.add_column(no_wrap=True)
        for name, score, style in self._rows():
            table.add_row(Text(name_text(name)), f"{score:.2f}", Text(bar(score), style))
        return Group(Text(), table, counter_line(self._summary), self._progress)

    def _rows(self) -> Iterator[tuple[str, float, str]]:
        """Yields name, score and style of each line of scores."""
        last = self._summary.last
        if last is None:
            return
        if all(rule.score_kind is ScoreKind.PROBABILITY and not rule.region_id for rule in self._rules):
            for i, best in enumerate(last.scores[:SHOWN_SCORES]):
                yield best.label, best.probability, "bold green" if i == 0 else "blue"
            return
        found = {(region.region_id, score.label): (score, region) for region in last.regions for score in region.scores}
        for rule in self._rules[:SHOWN_RULES]:
            score, region = found.get((rule.region_id, rule.label), (None, None))
            if score is None or region is None or (rule.score_kind is ScoreKind.PRESENCE and score.presence is None):
                continue
            value = score.value(rule.score_kind)
            style = "bold green" if value >= rule.enter_at else "blue"
            yield f"{rule.name} (suspended)" if region.suspended else rule.name, value, style

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._live.stop()
        super().__exit__(kind, error, traceback)


class JsonView(WatchView):
    """View that prints every response as a line of JSON on standard output, and the summary on standard error."""

    def __init__(
        self, errors: Console, source: str, summary: WatchSummary, clock: Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__(source, summary, clock)
        self._errors = errors

    def started(self, started: StreamStarted) -> None:
        """Prints the response as a line of JSON."""
        super().started(started)
        print_line(response_json(started))

    def _show_reconnected(self, reconnected: Reconnected) -> None:
        """Prints the server's answer as a line of JSON: if it is not `resumed`, a second ENTERED may follow."""
        print_line(response_json(reconnected.started))
        self._errors.print(reconnected_line(reconnected), soft_wrap=True)

    def show(self, item: StreamResult) -> None:
        """Prints the response as a line of JSON."""
        print_line(response_json(item))

    def explain(self, explanation: Explanation) -> None:
        """Prints the response as a line of JSON."""
        super().explain(explanation)
        print_line(response_json(explanation))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._has_started and not isinstance(error, BrokenPipeError):
            self._errors.print(self._summary_tables())
