"""Commands of `bench` that put a load on a server."""

from __future__ import annotations

import asyncio
from pathlib import Path

from framewatch_bench.counted import CountedServer
from framewatch_bench.frames import render_jpegs
from framewatch_bench.load.cameras import Demand, find_most_cameras
from framewatch_bench.load.hold import hold_streams
from framewatch_bench.load.measure import ServeReport, bench_remote, bench_spawned
from framewatch_bench.load.overhead import measure_overhead
from framewatch_bench.load.simulation import LoadPlan
from framewatch_bench.options import AS_SERVE, FRAME_COUNT, EngineOptions, Json, Size, checkpoint_of
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
        model: A model, as for `bench tower`; null computes nothing and so measures the server itself.
        server: HOST:PORT of a running server; by default one is started.
        streams: Number of cameras; several numbers give several rows.
        fps: Frames per second of each camera; by default as fast as the server takes them.
        size: Size of the frames.
        seconds: Length of the measurement of each row.
        live: Drop frames that come too fast, as a real camera does; by default the camera waits.
        options: Engine of the server that is started.
        plot: PNG file for a plot of the figures over the number of streams.
        json: Print one line of JSON per row.

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
        from framewatch_bench.load.plots import plot_growth  # noqa: PLC0415 matplotlib

        plot_growth(plot, f"{model}, {size} JPEG", reports)
    rows = [_serve_row(report) for report in reports]
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
    """Measures the cost of idle streams, or of clients that send and never read.

    Args:
        model: A model, as for `bench tower`.
        streams: Number of streams, each on a connection of its own.
        send: Let each client send all the frames that it can and never read an outcome; by default it is idle.
        size: Size of the frames.
        seconds: Time for which the streams are held open.
        json: Print one line of JSON.

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
    """Finds the number of cameras that this machine can serve; exit code 1 if it cannot serve one.

    Args:
        model: A model, as for `bench tower`.
        fps: Frames per second of each camera.
        p99_ms: Time, ms, within which 99 of 100 frames must be scored.
        size: Size of the frames.
        seconds: Length of the measurement of each number of cameras.
        most: Largest number of cameras that is tried.
        options: Engine of the server.
        json: Print one line of JSON per number that was tried.

    """
    frames = render_jpegs(size, FRAME_COUNT)
    demand = Demand(fps, p99_ms, seconds)
    rows: list[Row] = []

    def note(count: int, report: ServeReport, met: bool) -> None:
        progress.print(f"{count} cameras: p99 {report.load.latency_ms(99):.0f} ms, {'fine' if met else 'too many'}")
        rows.append(_serve_row(report) | {"fine": met})

    with (
        checkpoint_of(model) as name,
        CountedServer("--model", name, *options.flags, "--max-streams", "2048") as server,
    ):
        found = find_most_cameras(server, demand, frames, most, note)
    columns = ["streams", "scored/s", "p99 ms", "dropped", "failed", "CPU ms/frame", "fine"]
    print_rows(f"{model}: {found} cameras at {fps:g} fps, p99 {p99_ms:g} ms", rows, as_json=json, columns=columns)
    return 0 if found else 1


def overhead(
    *,
    streams: int = 16,
    fps: float = 10.0,
    size: Size = "720p",
    rounds: int = 3,
    seconds: float = 5.0,
    json: Json = False,
) -> None:
    """Measures the server's CPU time per frame without decoding and the model, beside that of gRPC alone (Linux only).

    Args:
        streams: Number of cameras.
        fps: Frames per second of each camera.
        size: Size of the frames.
        rounds: Number of turns of each server.
        seconds: Length of a turn.
        json: Print one line of JSON per server.

    """
    frames = render_jpegs(size, FRAME_COUNT)
    plan = LoadPlan(streams, fps, seconds, warmup_s=1.0)
    with progress.status("starting") as status:
        report = measure_overhead(plan, frames, rounds=rounds, report=status.update)
    rows = [
        {
            "CPU per frame, us": name,
            "decoding": cost.decode_us,
            "device": cost.device_us,
            "event loop and gRPC": cost.other_us,
            "beside decoding": cost.beside_decode_us,
        }
        for name, cost in (("gRPC alone", report.grpc_alone), ("framewatch, null", report.framewatch))
    ]
    print_rows(f"{streams} streams of {size} JPEG at {fps:g} fps", rows, as_json=json)


def _serve_row(report: ServeReport) -> Row:
    """Figures of a load, as a row of a table."""
    load = report.load
    row: Row = {
        "streams": load.plan.streams,
        "scored/s": load.throughput,
        **{f"p{percent} ms": load.latency_ms(percent) for percent in (50, 95, 99)},
        "batch": load.mean_batch,
        "dropped": load.count("dropped"),
        "failed": load.count("error"),
        "unanswered": load.unanswered,
        "spread": load.share_spread,
    }
    if report.cpu_ms is not None:
        row["CPU ms/frame"] = report.cpu_ms
    if report.memory_bytes is not None:
        before, after = report.memory_bytes
        row["memory MB"] = round(after / 1e6)
        row["grown MB"] = round((after - before) / 1e6)
    return row
