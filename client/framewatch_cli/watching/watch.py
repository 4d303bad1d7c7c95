"""Watches a source to its end, Ctrl-C or an error, and ends with a summary in each case."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import aclosing
from dataclasses import dataclass, field
from itertools import islice

from framewatch_cli.terminal.interrupts import Interrupt, first_interrupt
from framewatch_cli.terminal.output import ExitCode, Output
from framewatch_cli.watching.summary import WatchSummary
from framewatch_cli.watching.views import JsonView, LiveView, PlainView, WatchView
from framewatch_client import (
    DEFAULT_JPEG_QUALITY,
    AsyncFramewatchClient,
    Explain,
    Frame,
    Reconnected,
    Source,
    open_source,
)
from framewatch_core.health.monitor import HealthPolicy
from framewatch_core.images.regions import Region
from framewatch_core.labels.labels import LabelSet
from framewatch_core.rules.rule import EventRule
from framewatch_core.stream.messages import OverflowPolicy


@dataclass(frozen=True, slots=True)
class WatchSettings:
    """What to watch and for what; the options of `framewatch watch --help`."""

    source: str
    label_set: LabelSet
    rules: tuple[EventRule, ...]
    regions: tuple[Region, ...] = ()
    health: HealthPolicy = field(default_factory=HealthPolicy)
    explain: bool = False
    fps: float | None = None
    overflow: OverflowPolicy | None = None
    max_frames: int | None = None
    top: int = 0
    quality: int = DEFAULT_JPEG_QUALITY
    change_threshold: float = 0.0
    model: str = ""


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
            items = client.stream(
                _items(source, summary, settings, interrupt, view),
                settings.label_set,
                rules=settings.rules,
                regions=settings.regions,
                health=settings.health,
                overflow=settings.overflow or source.overflow,
                top_count=settings.top,
                origin_time=source.origin_time,
                model=settings.model,
                change_threshold=settings.change_threshold,
                jpeg_quality=settings.quality,
                on_started=view.started,
                on_reconnect=lambda back: output.print_note(_reconnected(back)),
                on_warning=lambda warning: output.print_warnings([warning]),
            )
            async with aclosing(items):
                async for item in items:
                    summary.add(item)
                    view.show(item)
    if interrupt.came:
        return ExitCode.INTERRUPTED
    return ExitCode.FAILED if summary.failed else ExitCode.OK


def _reconnected(back: Reconnected) -> str:
    anew = "" if back.started.resumed else "; the server had lost the stream's state: rules have started anew"
    return f"connection lost ({back.error.message}), back after {back.lost_s:.1f} s{anew}"


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
