"""`framewatch-server bench …`."""

from __future__ import annotations

import asyncio
from pathlib import Path

from cyclopts import App

from framewatch_server.bench.cameras import Wanted, find_most_cameras
from framewatch_server.bench.frames import render_jpegs
from framewatch_server.bench.hold import hold_streams
from framewatch_server.bench.load import LoadPlan
from framewatch_server.bench.options import (
    AS_SERVE,
    FRAME_COUNT,
    EngineOptions,
    Json,
    Size,
    checkpoint_of,
    require_tower,
    shared_checkpoint_of,
)
from framewatch_server.bench.overhead import measure_overhead
from framewatch_server.bench.plots import plot_growth
from framewatch_server.bench.serve import ServeReport, bench_remote, bench_spawned, decode_ms
from framewatch_server.bench.tables import Row, print_rows, progress, serve_row
from framewatch_server.spawn import ServerProcess
from framewatch_server.vision.null import NULL

app = App(name="bench", help="Measures this machine: the model alone, the server under load, peers, cameras.")


@app.command
def tower(
    model: str = "ViT-B/32",
    *,
    options: EngineOptions = AS_SERVE,
    batches: tuple[int, ...] = (),
    seconds: float = 2.0,
    json: Json = False,
) -> None:
    """Measures the image tower alone, beside a large matrix product on the same device.

    Args:
        model: A model as `serve` takes it, or ViT-B/32 or ViT-L/14: that geometry with random weights.
        options: What runs it.
        batches: Batch sizes; unless given, up to 32 on a CPU and up to 1024 on CUDA.
        seconds: For each.
        json: One line of JSON per batch size.

    """
    # torch is heavy: `--help` stays quick
    from framewatch_server.bench.engine import bench_tower, count_flops, default_batches  # noqa: PLC0415

    require_tower(model)
    with checkpoint_of(model) as name:
        encoder = options.load(name)
        with progress.status("measuring"):
            speeds = bench_tower(encoder, count_flops(name), batches or default_batches(encoder), seconds)
    info = encoder.info
    rows: list[Row] = [
        {
            "batch": speed.batch,
            "ms/picture": speed.ms,
            "pictures/s": 1000 / speed.ms,
            "GFLOP/picture": speed.flops / 1e9,
            "share of GEMM": speed.roofline_share,
        }
        for speed in speeds
    ]
    print_rows(f"{model} on {info.device}, {info.engine} {info.dtype}", rows, as_json=json)


@app.command
def call(
    model: str = "ViT-B/32",
    *,
    options: EngineOptions = AS_SERVE,
    size: Size = "720p",
    rounds: int = 5,
    seconds: float = 2.0,
    json: Json = False,
) -> None:
    """Measures a single Classify call on an idle server, beside the bare tower and decoding, by turns.

    Args:
        model: As for `bench tower`; null computes nothing and so measures the server itself.
        options: What runs it, in the server that is started and as the bare tower.
        size: Of the frames.
        rounds: Turns of each.
        seconds: Of a turn.
        json: One line of JSON.

    """
    from framewatch_server.bench.call import measure_call  # noqa: PLC0415 torch

    frames = render_jpegs(size, FRAME_COUNT)
    with checkpoint_of(model) as name, progress.status("loading") as status:
        report = measure_call(name, frames, options, rounds=rounds, seconds=seconds, report=status.update)
    row = {
        "call, ms": report.median(lambda each: each.call_ms),
        "bare tower, ms": report.median(lambda each: each.tower_ms),
        "decode, ms": report.median(lambda each: each.decode_ms),
        "beyond tower and decode, ms": report.median(lambda each: each.beyond_ms),
    }
    info = report.info
    print_rows(f"{model} on {info.device}, {info.engine} {info.dtype}, {size} JPEG", [row], as_json=json)


@app.command
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
    decoding_ms = decode_ms(frames)
    reports = []
    with checkpoint_of(model) as name:
        for count in streams:
            plan = LoadPlan(count, fps, seconds, live=live)
            with progress.status(f"{count} cameras"):
                flags = ["--model", name, *options.flags, "--max-streams", str(max(count, 256))]
                reports.append(bench_remote(server, plan, frames) if server else bench_spawned(flags, plan, frames))
    if plot is not None:
        plot_growth(plot, f"{model}, {size} JPEG", reports)
    rows = [serve_row(report, decoding_ms if model == NULL else None) for report in reports]
    print_rows(f"{model}, {size} JPEG of {frames.mean_bytes / 1000:.0f} KB on average", rows, as_json=json)


@app.command
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


@app.command
def overhead(
    *,
    streams: int = 16,
    fps: float = 10.0,
    size: Size = "720p",
    rounds: int = 3,
    seconds: float = 5.0,
    json: Json = False,
) -> None:
    """Measures what the server spends on a frame beside decoding and the model, and what gRPC alone would (Linux only).

    Args:
        streams: Cameras.
        fps: Frames per second of each camera.
        size: Of the frames.
        rounds: Turns of each.
        seconds: Of a turn.
        json: One line of JSON per server.

    """
    frames = render_jpegs(size, FRAME_COUNT)
    plan = LoadPlan(streams, fps, seconds, warmup_s=1.0)
    with progress.status("starting") as status:
        found = measure_overhead(plan, frames, rounds=rounds, report=status.update)
    rows = [
        {
            "CPU per frame, us": name,
            "decoding": cost.decode_us,
            "device": cost.device_us,
            "event loop and gRPC": cost.other_us,
            "beside decoding": cost.beside_decode_us,
        }
        for name, cost in (("gRPC alone", found.grpc_alone), ("framewatch, null", found.framewatch))
    ]
    print_rows(f"{streams} streams of {size} JPEG at {fps:g} fps", rows, as_json=json)


@app.command
def compare(
    model: str = "ViT-B/32",
    *,
    size: Size = "720p",
    streams: int = 16,
    rounds: int = 3,
    seconds: float = 5.0,
    options: EngineOptions = AS_SERVE,
    infinity: Path | None = None,
    json: Json = False,
) -> None:
    """Measures the server against the bare model and against its peers, by turns.

    Args:
        model: As for `bench tower`.
        size: Of the frames.
        streams: Of the server; as many clients send to infinity, each one frame at a time.
        rounds: Turns of each.
        seconds: Of a turn.
        options: What runs the model in the server and as the bare tower.
        infinity: The command infinity_emb, unless it is on the PATH.
        json: One line of JSON per contender.

    """
    from framewatch_server.bench.compare import Comparison  # noqa: PLC0415 torch
    from framewatch_server.bench.infinity import find_infinity  # noqa: PLC0415 only needed here

    command = find_infinity(infinity)
    frames = render_jpegs(size, FRAME_COUNT)
    with shared_checkpoint_of(model) as name, progress.status("loading") as status:
        comparison = Comparison(model, name, frames, options, streams, seconds, command)
        found = comparison.run(rounds, status.update)
    own = found[0].fps
    rows: list[Row] = [
        {"": each.name, "frames/s": each.fps, "ms/frame": 1000 / each.fps, "framewatch is": f"{own / each.fps:.2f} ×"}
        for each in found
    ]
    print_rows(f"{model}, {size} JPEG", rows, as_json=json)
    for line in comparison.absent:
        progress.print(line)


@app.command
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
        rows.append(serve_row(report, None) | {"fine": met})

    with (
        checkpoint_of(model) as name,
        ServerProcess("--model", name, *options.flags, "--max-streams", "2048") as server,
    ):
        found = find_most_cameras(server, wanted, frames, most, note)
    columns = ["streams", "scored/s", "p99 ms", "dropped", "failed", "CPU ms/frame", "fine"]
    print_rows(f"{model}: {found} cameras at {fps:g} fps, p99 {p99_ms:g} ms", rows, as_json=json, columns=columns)
    return 0 if found else 1
