"""`framewatch-server demo`: the main job from end to end, on a video whose truth is known.

A real server as a process of its own, the embedded model, a rendered clip of boxes on a conveyor belt, streamed through
the client library over gRPC; then a table, an annotated video, a plot, and a check against the truth.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import cv2
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table

from framewatch_bench.demo.belt import BeltVideo, render_belt_video
from framewatch_bench.demo.pictures import score_of, write_annotated_video, write_plot
from framewatch_bench.spawn import ServerProcess
from framewatch_cli.watching.lines import event_line
from framewatch_client import Event, EventRule, FrameResult, FramewatchClient, event_rule, open_source
from framewatch_core.rules.rule import EventKind

LABELS = ("box", "an empty conveyor belt")
TOLERANCE_S = 0.5

Seconds = tuple[float, float]


@dataclass(slots=True)
class Watched:
    """What came back: an outcome per frame, and the events."""

    results: list[FrameResult] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)

    def add(self, item: FrameResult | Event) -> None:
        """Takes what the stream gave."""
        if isinstance(item, Event):
            self.events.append(item)
        else:
            self.results.append(item)

    def presences(self) -> list[Seconds]:
        """From when to when the box was there, as the events say, in seconds; to the last frame if it never left."""
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
    """Runs the demo and writes its files into `out`; returns whether the server saw what was there."""
    out.mkdir(parents=True, exist_ok=True)
    video = render_belt_video(seed)
    source = out / "belt.mp4"
    console.print(f"[bold]1[/]  rendering {video.frame_count} frames of a conveyor belt → {source}")
    write_video(source, video)
    rule = event_rule(LABELS[0], 0.8, 0.5, min_present_s=0.2, min_absent_s=0.2)
    console.print(
        "[bold]2[/]  starting a server with the embedded demo model (it knows a few rendered scenes, no more)"
    )
    with ServerProcess("--model", "demo") as server:
        console.print(f"[bold]3[/]  streaming the video to {server.address}, watching for: {', '.join(LABELS)}")
        watched = watch(server.address, source, rule, console)
    truth = [(first / video.fps, last / video.fps) for first, last in video.present]
    console.print("[bold]4[/]  drawing what was seen")
    write_annotated_video(out / "annotated.mp4", video, watched.results, watched.events, LABELS[0], rule)
    write_plot(out / "scores.png", watched.results, watched.events, truth, LABELS[0], rule)
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
    """Streams a video file to a server; events are printed as they come."""
    watched = Watched()
    columns = (TextColumn("   "), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[score]}"))
    with (
        FramewatchClient(address) as client,
        open_source(str(source)) as frames,
        Progress(*columns, console=console) as progress,
    ):
        task = progress.add_task("frames", total=frames.frame_count, score="")
        for item in client.stream(frames, LABELS, rules=[rule]):
            watched.add(item)
            if isinstance(item, Event):
                progress.print("    ", event_line(item))
            else:
                progress.update(task, advance=1, score=f"{LABELS[0]} {score_of(item, LABELS[0]):.2f}")
    return watched


def report(watched: Watched, truth: Sequence[Seconds], frame_count: int, out: Path, console: Console) -> bool:
    """Prints what was seen beside what was there; returns whether they agree."""
    seen = watched.presences()
    table = Table(title="a box on the belt", title_justify="left")
    for column in ("", "was there", "seen", "off by"):
        table.add_column(column, justify="right")
    for number in range(max(len(seen), len(truth))):
        was = truth[number] if number < len(truth) else None
        saw = seen[number] if number < len(seen) else None
        off = f"{_off(was, saw):.1f} s" if was and saw else "[red]—[/]"
        table.add_row(str(number + 1), _span(was), _span(saw), off)
    console.print(table)
    complaints = list(_complaints(watched, seen, truth, frame_count))
    for complaint in complaints:
        console.print(f"[bold red]wrong:[/] {complaint}")
    if not complaints:
        console.print(
            f"[bold green]right:[/] each of the {len(truth)} boxes was said once to have come and once to have gone, "
            f"within {TOLERANCE_S} s, and nothing else; {frame_count} frames, one outcome each"
        )
    console.print(f"look at {out / 'annotated.mp4'} and {out / 'scores.png'}")
    return not complaints


def _complaints(watched: Watched, seen: Sequence[Seconds], truth: Sequence[Seconds], frame_count: int) -> Iterable[str]:
    scored = [result.frame_id for result in watched.results if result.scores]
    if scored != list(range(frame_count)):
        yield f"{len(scored)} of {frame_count} frames were scored, or not in order"
    if len(watched.events) != 2 * len(truth):
        yield f"{len(watched.events)} events instead of {2 * len(truth)}"
    for number, (was, saw) in enumerate(zip(truth, seen, strict=False), 1):
        if _off(was, saw) > TOLERANCE_S:
            yield f"box {number} was there {_span(was)} and was seen {_span(saw)}"


def _off(was: Seconds, saw: Seconds) -> float:
    return max(abs(was[0] - saw[0]), abs(was[1] - saw[1]))


def _span(span: Seconds | None) -> str:
    return f"{span[0]:.1f} to {span[1]:.1f} s" if span else "—"
