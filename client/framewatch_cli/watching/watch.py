"""Watches a source to its end, Ctrl-C or an error, and ends with a summary in each case."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import aclosing
from dataclasses import dataclass
from itertools import islice

from framewatch_cli.terminal.interrupts import Interrupt, first_interrupt
from framewatch_cli.terminal.output import ExitCode, Output
from framewatch_cli.watching.summary import WatchSummary
from framewatch_cli.watching.views import JsonView, LiveView, PlainView, WatchView
from framewatch_client import (
    AsyncFramewatchClient,
    Explain,
    Frame,
    Source,
    WatchKeywords,
    open_source,
)
from framewatch_core.labels.labels import LabelSet
from framewatch_core.rules.rule import EventRule


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchSettings:
    """Source, labels and options of a watch.

    Attributes:
        source: the source; see `open_source`.
        fps: frames a second; see `open_source`.
        max_frames: the watch ends after so many frames; None: where the source ends.
        label_set: the labels.
        rules: the rules; their scores are shown.
        options: what else to watch for. By default `overflow` and `origin_time` are the source's.
        jpeg_quality: quality of the JPEG that frames are sent as, 1 to 100.
        explain: at the end the server explains what the rules wait for.

    """

    source: str
    fps: float | None = None
    max_frames: int | None = None
    label_set: LabelSet
    rules: tuple[EventRule, ...]
    options: WatchKeywords
    jpeg_quality: int
    explain: bool = False


async def watch_source(client: AsyncFramewatchClient, settings: WatchSettings, output: Output) -> ExitCode:
    """Streams a source and shows what comes back.

    Returns:
        OK; FAILED if a frame could not be scored; INTERRUPTED after Ctrl-C.

    Raises:
        SourceError: the source can't be opened.
        as `AsyncFramewatchClient.stream`.

    """
    with await asyncio.to_thread(open_source, settings.source, settings.fps) as source:
        summary = WatchSummary.of(settings.rules)
        with (
            _view(source, summary, settings, output) as view,
            first_interrupt(source.close, wanted=settings.explain) as interrupt,
        ):
            options: WatchKeywords = {
                "overflow": source.overflow,
                "origin_time": source.origin_time,
                **settings.options,
                "rules": settings.rules,
            }
            items = client.stream(
                _items(source, summary, settings, interrupt, view),
                settings.label_set,
                **options,
                jpeg_quality=settings.jpeg_quality,
                on_started=view.started,
                on_reconnect=view.reconnected,
                on_warning=lambda warning: output.print_warnings([warning]),
            )
            async with aclosing(items):
                async for item in items:
                    summary.add(item)
                    view.show(item)
    if interrupt.came:
        return ExitCode.INTERRUPTED
    return ExitCode.FAILED if summary.failed else ExitCode.OK


def _view(source: Source, summary: WatchSummary, settings: WatchSettings, output: Output) -> WatchView:
    if output.json:
        return JsonView(output.errors, source.name, summary)
    if output.results.is_terminal and not output.results.is_dumb_terminal:
        counts = [count for count in (source.frame_count, settings.max_frames) if count is not None]
        return LiveView(output.results, source.name, summary, min(counts, default=None), rules=settings.rules)
    return PlainView(output.results, source.name, summary)


def _items(
    source: Source, summary: WatchSummary, settings: WatchSettings, interrupt: Interrupt, view: WatchView
) -> Iterator[Frame | Explain]:
    """Yields frames, counted, and at their end the request to explain what the rules wait for."""
    for frame in islice(source, settings.max_frames):
        if interrupt.came:
            break
        summary.sent += 1
        yield frame
    if settings.explain:
        yield Explain(view.explain)
