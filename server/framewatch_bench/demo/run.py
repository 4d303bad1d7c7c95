"""`framewatch-server demo`: the main job from end to end, on a video whose truth is known.

A real server is started as a process of its own with the demo model. A rendered clip of boxes on a conveyor belt is
streamed to it through the client library. The results are a table, an annotated video, a plot, and a check of the
events against the truth.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import Path

import cv2
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table

from framewatch_bench.demo.belt import BeltVideo, render_belt_video
from framewatch_bench.demo.pictures import score_of, write_annotated_video, write_plot
from framewatch_bench.spawn import ServerProcess
from framewatch_cli.watching.lines import event_line
from framewatch_client import (
    Event,
    EventKind,
    EventRule,
    FrameResult,
    FramewatchClient,
    StreamResult,
    event_rule,
    open_source,
)

_LABELS = ("box", "an empty conveyor belt")
_TOLERANCE_S = 0.5

Seconds = tuple[float, float]
"""Begin and end of an interval."""


@dataclass(slots=True)
class Watched:
    """Results of a stream: an outcome per frame, and the events."""

    results: list[FrameResult] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)

    def add(self, item: StreamResult) -> None:
        """Adds an item of the stream."""
        if isinstance(item, Event):
            self.events.append(item)
        elif isinstance(item, FrameResult):
            self.results.append(item)

    def presences(self) -> list[Seconds]:
        """Returns the intervals between ENTERED and EXITED, in seconds; one without EXITED ends at the last frame."""
        entered = [event.began_time_s for event in self.events if event.kind is EventKind.ENTERED]
        exited = [event.began_time_s for event in self.events if event.kind is EventKind.EXITED]
        end = self.results[-1].time_s if self.results else 0.0
        return list(zip(entered, [*exited, *[end] * (len(entered) - len(exited))], strict=True))


def demo(*, out: Path = Path("demo-output"), seed: int = 1) -> int:
    """Runs the main job on a rendered video with the demo model and checks the events; exit code 1 if it fails.

    Args:
        out: Folder for the video, the annotated video and the plot.
        seed: Seed of the rendered video.

    """
    return 0 if run_demo(out, seed, Console()) else 1


def run_demo(out: Path, seed: int, console: Console) -> bool:
    """Runs the demo and writes its files into `out`; returns whether the events agree with the truth."""
    out.mkdir(parents=True, exist_ok=True)
    video = render_belt_video(seed)
    source = out / "belt.mp4"
    console.print(f"[bold]1[/]  rendering {video.frame_count} frames of a conveyor belt → {source}")
    write_video(source, video)
    rule = event_rule(_LABELS[0], 0.8, 0.5, min_present_s=0.2, min_absent_s=0.2)
    console.print("[bold]2[/]  starting a server with the demo model, which knows a few rendered scenes only")
    with ServerProcess("--model", "demo") as server:
        console.print(f"[bold]3[/]  streaming the video to {server.address}, watching for: {', '.join(_LABELS)}")
        watched = watch(server.address, source, rule, console)
    truth = [(first / video.fps, last / video.fps) for first, last in video.present]
    console.print("[bold]4[/]  drawing the results")
    write_annotated_video(out / "annotated.mp4", video, watched.results, watched.events, _LABELS[0], rule)
    write_plot(out / "scores.png", watched.results, watched.events, truth, _LABELS[0], rule)
    return report(watched, truth, video.frame_count, out, console)


def write_video(path: Path, video: BeltVideo) -> None:
    """Writes the clip as MPEG-4."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), video.fps, (video.width, video.height))
    try:
        for frame in video.frames:
            writer.write(frame)
    finally:
        writer.release()


def watch(address: str, source: Path, rule: EventRule, console: Console) -> Watched:
    """Streams a video file to a server, and prints its events as they come."""
    watched = Watched()
    columns = (TextColumn("   "), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[score]}"))
    with (
        FramewatchClient(address) as client,
        open_source(str(source)) as frames,
        Progress(*columns, console=console) as progress,
    ):
        task = progress.add_task("frames", total=frames.frame_count, score="")
        for item in client.stream(frames, _LABELS, rules=[rule]):
            watched.add(item)
            if isinstance(item, Event):
                progress.print("    ", event_line(item))
            elif isinstance(item, FrameResult):
                progress.update(task, advance=1, score=f"{_LABELS[0]} {score_of(item, _LABELS[0]):.2f}")
    return watched


def report(watched: Watched, truth: Sequence[Seconds], frame_count: int, out: Path, console: Console) -> bool:
    """Prints the presences by the events beside the true ones; returns whether they agree."""
    found = watched.presences()
    table = Table(title="a box on the belt", title_justify="left")
    for column in ("", "truth", "events", "difference"):
        table.add_column(column, justify="right")
    for number, (true, measured) in enumerate(zip_longest(truth, found), 1):
        difference = f"{_difference_s(true, measured):.1f} s" if true and measured else "[red]—[/]"
        table.add_row(str(number), _interval(true), _interval(measured), difference)
    console.print(table)
    faults = list(_faults(watched, found, truth, frame_count))
    for fault in faults:
        console.print(f"[bold red]wrong:[/] {fault}")
    if not faults:
        console.print(
            f"[bold green]right:[/] one ENTERED and one EXITED for each of the {len(truth)} boxes, within "
            f"{_TOLERANCE_S} s, and no other event; {frame_count} frames, one outcome each"
        )
    console.print(f"see {out / 'annotated.mp4'} and {out / 'scores.png'}")
    return not faults


def _faults(watched: Watched, found: Sequence[Seconds], truth: Sequence[Seconds], frame_count: int) -> Iterable[str]:
    scored = [result.frame_id for result in watched.results if result.scores]
    if scored != list(range(frame_count)):
        yield f"{len(scored)} of {frame_count} frames were scored, expected all of them, in order"
    if len(watched.events) != 2 * len(truth):
        yield f"{len(watched.events)} events, expected {2 * len(truth)}"
    for number, (true, measured) in enumerate(zip(truth, found, strict=False), 1):
        if _difference_s(true, measured) > _TOLERANCE_S:
            yield f"box {number} was present from {_interval(true)}, but by the events from {_interval(measured)}"


def _difference_s(true: Seconds, measured: Seconds) -> float:
    return max(abs(true[0] - measured[0]), abs(true[1] - measured[1]))


def _interval(interval: Seconds | None) -> str:
    return f"{interval[0]:.1f} to {interval[1]:.1f} s" if interval else "—"
