"""What the commands of `framewatch` do, once their options are read. They return the exit code."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from enum import IntEnum
from itertools import islice

from rich.console import Console

from framewatch_cli.terminal.interrupts import Interrupt, first_interrupt
from framewatch_cli.terminal.live import JsonView, LiveView, PlainView, WatchView, print_json
from framewatch_cli.terminal.render import answer_footer, score_table, similarity_matrix_table, similarity_table
from framewatch_cli.terminal.summary import WatchSummary
from framewatch_client import (
    AsyncFramewatchClient,
    Explain,
    Frame,
    FramewatchCallError,
    Reconnected,
    ServerUnreachableError,
    ServerWarning,
    Source,
    open_source,
)
from framewatch_core.errors import FramewatchError
from framewatch_core.health.monitor import HealthPolicy
from framewatch_core.images.regions import Region
from framewatch_core.labels.labels import LabelSet
from framewatch_core.rules.rule import EventRule
from framewatch_core.stream.messages import OverflowPolicy


class ExitCode(IntEnum):
    """How a command ended."""

    OK = 0
    FAILED = 1
    USAGE = 2
    UNREACHABLE = 3
    INTERRUPTED = 130


class PipeConsole(Console):
    """Lets a closed pipe be met where all other ends are."""

    def on_broken_pipe(self) -> None:
        """Instead of leaving the process from within."""
        self.quiet = True
        raise BrokenPipeError


@dataclass(frozen=True, slots=True)
class Output:
    """Where results and errors go."""

    json: bool = False
    results: Console = field(default_factory=lambda: PipeConsole(highlight=False))
    errors: Console = field(default_factory=lambda: PipeConsole(stderr=True, highlight=False))

    def say(self, sentence: str, style: str = "red") -> None:
        """A sentence for people, on standard error."""
        self.errors.print(sentence, style=style, markup=False, soft_wrap=True)


@dataclass(frozen=True, slots=True)
class WatchSettings:
    """Options of `watch`; see its help."""

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
    quality: int = 90
    change_threshold: float = 0.0
    model: str = ""


async def classify(
    client: AsyncFramewatchClient, images: Sequence[str], label_set: LabelSet, *, top: int, model: str, output: Output
) -> ExitCode:
    """Scores images one after the other; one that fails is told and the others go on."""
    code = ExitCode.OK
    warned: set[ServerWarning] = set()
    for number, image in enumerate(images):
        try:
            answer = await client.classify(image, label_set, top_count=top, model=model)
        except ServerUnreachableError:
            raise
        except (OSError, FramewatchError, FramewatchCallError) as error:
            output.say(f"{image}: {describe(error, image)}")
            code = ExitCode.FAILED
            continue
        say_warnings([warning for warning in answer.warnings if warning not in warned], output)
        warned.update(answer.warnings)
        if output.json:
            print_json(answer.message)
        else:
            if number:
                output.results.print()
            output.results.print(
                score_table(answer.scores, title=image, footer=answer_footer(answer.model, answer.timings))
            )
    return code


async def similarity(
    client: AsyncFramewatchClient, queries: Sequence[str], candidates: Sequence[str], *, model: str, output: Output
) -> ExitCode:
    """Compares images with one or several."""
    if len(queries) > 1:
        return await _similarities(client, queries, candidates, model=model, output=output)
    answer = await client.similarity(queries[0], candidates, model=model)
    if output.json:
        print_json(answer.message)
    else:
        footer = answer_footer(answer.model, answer.timings)
        output.results.print(similarity_table(candidates, answer.similarities, query=queries[0], footer=footer))
    return ExitCode.OK


async def _similarities(
    client: AsyncFramewatchClient, queries: Sequence[str], candidates: Sequence[str], *, model: str, output: Output
) -> ExitCode:
    answer = await client.similarities(queries, candidates, model=model)
    if output.json:
        print_json(answer.message)
    else:
        footer = answer_footer(answer.model, answer.timings)
        output.results.print(similarity_matrix_table(queries, candidates, answer.similarities, footer=footer))
    return ExitCode.OK


async def watch(client: AsyncFramewatchClient, settings: WatchSettings, output: Output) -> ExitCode:
    """Watches a source to its end, Ctrl-C or a fault, and ends with a summary in each case."""
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
                on_reconnect=lambda back: output.say(_reconnected(back), style="yellow"),
                on_warning=lambda warning: say_warnings([warning], output),
            )
            async with aclosing(items):
                async for item in items:
                    summary.add(item)
                    view.show(item)
    if interrupt.came:
        return ExitCode.INTERRUPTED
    return ExitCode.FAILED if summary.failed else ExitCode.OK


def say_warnings(warnings: Iterable[ServerWarning], output: Output) -> None:
    """What the server found questionable, a line each."""
    for warning in warnings:
        output.say(f"warning: {warning}", style="yellow")


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
    """Frames, counted, and at their end the question what the rules wait for."""
    for frame in islice(source, settings.max_frames):
        if interrupt.came:
            break
        summary.sent += 1
        yield frame
    if settings.explain:
        yield Explain(view.explain)


def describe(error: Exception, subject: str = "") -> str:
    """An error as a sentence, with its reason and the field's path. `subject`: the file that is named already."""
    if isinstance(error, OSError) and error.strerror:
        named = error.filename is None or str(error.filename) == subject
        return error.strerror if named else f"{error.strerror}: {error.filename}"
    if isinstance(error, FramewatchError):
        field_path = getattr(error, "field", "")
        where = f" (field {field_path})" if field_path else ""
        return f"{error.message}{where} [{error.reason}]"
    return str(error)
