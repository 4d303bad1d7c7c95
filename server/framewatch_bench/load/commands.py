"""Commands of `bench` that put a load on a server."""

from __future__ import annotations

import asyncio
from pathlib import Path

from framewatch_bench.frames import render_jpegs
from framewatch_bench.load.cameras import Wanted, find_most_cameras
from framewatch_bench.load.hold import hold_streams
from framewatch_bench.load.load import LoadPlan
from framewatch_bench.load.serve import ServeReport, bench_remote, bench_spawned
from framewatch_bench.options import AS_SERVE, FRAME_COUNT, EngineOptions, Json, Size, checkpoint_of
from framewatch_bench.plots import plot_growth
from framewatch_bench.rows import serve_row
from framewatch_bench.spawn import ServerProcess
from framewatch_server.tables import Row, print_rows, progress
from framewatch_server.vision.towers.null import NULL


def serve(
    model: str = "ViT-B/32",
    *,
    server: str | None = None,
    streams: tuple[int, ...] = (16,),
    fps: float | None = None,
    size: Size = "720p",
    seconds: float = 10.0,
    live: bool = False,
    options: EngineOptions = AS_SERVE,
    plot: Path | None = None,
    json: Json = False,
) -> None:
    """Measures a server under the load of simulated cameras that send JPEG frames.

    Args:
        model: As for `bench tower`; null computes nothing and so measures the server itself.
        server: HOST:PORT of a server that runs; otherwise one is started.
        streams: Cameras; several numbers give several rows.
        fps: Frames per second of each camera; as fast as the server takes them unless given.
        size: Of the frames.
        seconds: For each row.
        live: Frames that come too fast are dropped, as with a real camera; otherwise the camera waits.
        options: What runs the model in the server that is started.
        plot: PNG file to draw how the figures go with the number of streams.
        json: One line of JSON per row.

    """
    frames = render_jpegs(size, FRAME_COUNT)
    reports = []
    with checkpoint_of(model) as name:
        for count in streams:
            plan = LoadPlan(count, fps, seconds, live=live)
            with progress.status(f"{count} cameras"):
                flags = ["--model", name, *options.flags, "--max-streams", str(max(count, 256))]
                reports.append(bench_remote(server, plan, frames) if server else bench_spawned(flags, plan, frames))
    if plot is not None:
        plot_growth(plot, f"{model}, {size} JPEG", reports)
    rows = [serve_row(report) for report in reports]
    print_rows(f"{model}, {size} JPEG of {frames.mean_bytes / 1000:.0f} KB on average", rows, as_json=json)


def hold(
    model: str = NULL,
    *,
    streams: int = 200,
    send: bool = False,
    size: Size = "720p",
    seconds: float = 10.0,
    json: Json = False,
) -> None:
    """Measures what streams cost that are merely there.

    Args:
        model: As for `bench tower`.
        streams: How many, each on a connection of its own.
        send: Each client sends all the frames it can and never reads an outcome; otherwise it is idle.
        size: Of the frames.
        seconds: How long they are held.
        json: One line of JSON.

    """
    frames = render_jpegs(size, FRAME_COUNT) if send else None
    with (
        checkpoint_of(model) as name,
        ServerProcess("--model", name, "--max-streams", str(streams)) as server,
        progress.status("holding"),
    ):
        report = asyncio.run(hold_streams(server, streams, seconds, frames))
    row = {
        "streams": report.streams,
        "% of a core": 100 * report.cpu_share,
        "grown MB": report.grown_bytes / 1e6,
        "frames sent": report.sent,
    }
    print_rows(f"{model}, {'clients that never read' if send else 'idle streams'}", [row], as_json=json)


def cameras(
    model: str = "ViT-B/32",
    *,
    fps: float = 5.0,
    p99_ms: float = 200.0,
    size: Size = "720p",
    seconds: float = 8.0,
    most: int = 1024,
    options: EngineOptions = AS_SERVE,
    json: Json = False,
) -> int:
    """Says how many cameras this machine takes; exit code 1 if not even one.

    Args:
        model: As for `bench tower`.
        fps: Frames per second of each camera.
        p99_ms: 99 of 100 frames must be scored within this time.
        size: Of the frames.
        seconds: How long each number is tried.
        most: No more are tried.
        options: What runs the model in the server.
        json: One line of JSON per number tried.

    """
    frames = render_jpegs(size, FRAME_COUNT)
    wanted = Wanted(fps, p99_ms, seconds)
    rows: list[Row] = []

    def note(count: int, report: ServeReport, met: bool) -> None:
        progress.print(f"{count} cameras: p99 {report.load.latency_ms(99):.0f} ms, {'fine' if met else 'too many'}")
        rows.append(serve_row(report) | {"fine": met})

    with (
        checkpoint_of(model) as name,
        ServerProcess("--model", name, *options.flags, "--max-streams", "2048") as server,
    ):
        found = find_most_cameras(server, wanted, frames, most, note)
    columns = ["streams", "scored/s", "p99 ms", "dropped", "failed", "CPU ms/frame", "fine"]
    print_rows(f"{model}: {found} cameras at {fps:g} fps, p99 {p99_ms:g} ms", rows, as_json=json, columns=columns)
    return 0 if found else 1
