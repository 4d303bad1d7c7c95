"""`framewatch-server bench …`."""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import App, Parameter
from rich.console import Console
from rich.table import Table

from framewatch_server.bench.cameras import Wanted, find_most_cameras
from framewatch_server.bench.frames import render_jpegs
from framewatch_server.bench.hold import hold_streams
from framewatch_server.bench.load import LoadPlan
from framewatch_server.bench.plots import plot_growth
from framewatch_server.bench.serve import ServeReport, bench_remote, bench_spawned, decode_ms
from framewatch_server.spawn import ServerProcess
from framewatch_server.vision.null import NULL

app = App(name="bench", help="Measures this machine: the model alone, the server under load, peers, cameras.")

_FRAME_COUNT = 44
Size = Literal["480p", "720p", "1080p", "4k"]
Json = Annotated[bool, Parameter(name="--json")]

# To standard error: with --json, standard output has the figures and nothing else.
_progress = Console(stderr=True)


@contextmanager
def _checkpoint(model: str) -> Iterator[str]:
    """The model to load: its own name, or a folder with random weights for the name of a geometry."""
    # torch is heavy: `--help` stays quick
    from framewatch_server.bench.checkpoints import GEOMETRIES, make_checkpoint  # noqa: PLC0415

    if model not in GEOMETRIES:
        yield model
        return
    with tempfile.TemporaryDirectory() as folder, _progress.status(f"making a {model} with random weights"):
        path = make_checkpoint(Path(folder) / model.replace("/", "-"), model)
        yield str(path)


def _print(title: str, rows: Sequence[dict[str, Any]], *, as_json: bool) -> None:
    if as_json:
        for row in rows:
            print(json.dumps(row))  # noqa: T201
        return
    table = Table(*rows[0], title=title, title_justify="left")
    for row in rows:
        table.add_row(*(f"{value:,.4g}" if isinstance(value, float) else str(value) for value in row.values()))
    Console().print(table)


@app.command
def tower(
    model: str = "ViT-B/32",
    *,
    device: str = "auto",
    dtype: str = "auto",
    engine: str = "auto",
    batches: tuple[int, ...] = (),
    seconds: float = 2.0,
    json: Json = False,
) -> None:
    """Measures the image tower alone, beside a large matrix product on the same device.

    Args:
        model: A model as `serve` takes it, or ViT-B/32 or ViT-L/14: that geometry with random weights.
        device: As `serve` takes it.
        dtype: As `serve` takes it.
        engine: As `serve` takes it.
        batches: Batch sizes; unless given, up to 32 on a CPU and up to 1024 on CUDA.
        seconds: For each.
        json: One line of JSON per batch size.

    """
    from framewatch_server.bench.engine import bench_tower, count_flops, default_batches  # noqa: PLC0415 torch
    from framewatch_server.vision.load import load_encoder  # noqa: PLC0415 torch

    with _checkpoint(model) as name:
        encoder = load_encoder(name, device=device, dtype=dtype, engine=engine)
        with _progress.status("measuring"):
            speeds = bench_tower(encoder, count_flops(name), batches or default_batches(encoder), seconds)
    info = encoder.info
    rows = [
        {
            "batch": speed.batch,
            "ms/picture": speed.ms,
            "pictures/s": 1000 / speed.ms,
            "GFLOP/picture": speed.flops / 1e9,
            "share of GEMM": speed.roofline_share,
        }
        for speed in speeds
    ]
    _print(f"{model} on {info.device}, {info.engine} {info.dtype}", rows, as_json=json)


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
    engine: str = "auto",
    dtype: str = "auto",
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
        engine: As `serve` takes it, for the server that is started.
        dtype: As `serve` takes it, for the server that is started.
        plot: PNG file to draw how the figures go with the number of streams.
        json: One line of JSON per row.

    """
    frames = render_jpegs(size, _FRAME_COUNT)
    decoding_ms = decode_ms(frames)
    reports = []
    with _checkpoint(model) as name:
        for count in streams:
            plan = LoadPlan(count, fps, seconds, live=live)
            with _progress.status(f"{count} cameras"):
                flags = ["--model", name, "--engine", engine, "--dtype", dtype, "--max-streams", str(max(count, 256))]
                reports.append(bench_remote(server, plan, frames) if server else bench_spawned(flags, plan, frames))
    if plot is not None:
        plot_growth(plot, f"{model}, {size} JPEG", reports)
    rows = [_serve_row(report, decoding_ms if model == NULL else None) for report in reports]
    _print(f"{model}, {size} JPEG of {frames.mean_bytes / 1000:.0f} KB on average", rows, as_json=json)


def _serve_row(report: ServeReport, decoding_ms: float | None) -> dict[str, Any]:
    load = report.load
    row: dict[str, Any] = {
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
        if decoding_ms is not None:
            row["of that not decoding"] = report.cpu_ms - decoding_ms
    if report.memory_bytes is not None:
        before, after = report.memory_bytes
        row["memory MB"] = round(after / 1e6)
        row["grown MB"] = round((after - before) / 1e6)
    return row


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
    frames = render_jpegs(size, _FRAME_COUNT) if send else None
    with (
        _checkpoint(model) as name,
        ServerProcess("--model", name, "--max-streams", str(streams)) as server,
        _progress.status("holding"),
    ):
        report = asyncio.run(hold_streams(server, streams, seconds, frames))
    row = {
        "streams": report.streams,
        "% of a core": 100 * report.cpu_share,
        "grown MB": report.grown_bytes / 1e6,
        "frames sent": report.sent,
    }
    _print(f"{model}, {'clients that never read' if send else 'idle streams'}", [row], as_json=json)


@app.command
def compare(
    model: str = "ViT-B/32",
    *,
    size: Size = "720p",
    streams: int = 16,
    rounds: int = 3,
    seconds: float = 5.0,
    engine: str = "auto",
    dtype: str = "auto",
    json: Json = False,
) -> None:
    """Measures the server against the bare model and against transformers' pipeline, by turns.

    Args:
        model: A hub id, a folder, or a geometry as for `bench tower`.
        size: Of the frames.
        streams: Of the server.
        rounds: Turns of each.
        seconds: Of a turn.
        engine: As `serve` takes it.
        dtype: As `serve` takes it.
        json: One line of JSON per contender.

    """
    from framewatch_server.bench.compare import compare as compare_all  # noqa: PLC0415 torch

    frames = render_jpegs(size, _FRAME_COUNT)
    with _checkpoint(model) as name, _progress.status("loading") as status:
        found = compare_all(
            name,
            frames,
            engine=engine,
            dtype=dtype,
            rounds=rounds,
            seconds=seconds,
            streams=streams,
            report=status.update,
        )
    own = found[0].fps
    rows = [
        {
            "": contender.name,
            "frames/s": contender.fps,
            "ms/frame": 1000 / contender.fps,
            "framewatch is": f"{own / contender.fps:.2f} ×",
        }
        for contender in found
    ]
    _print(f"{model}, {size} JPEG", rows, as_json=json)


@app.command
def cameras(
    model: str = "ViT-B/32",
    *,
    fps: float = 5.0,
    p99_ms: float = 200.0,
    size: Size = "720p",
    seconds: float = 8.0,
    most: int = 1024,
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
        json: One line of JSON per number tried.

    """
    frames = render_jpegs(size, _FRAME_COUNT)
    wanted = Wanted(fps, p99_ms, seconds)
    rows: list[dict[str, Any]] = []

    def note(count: int, report: ServeReport, met: bool) -> None:
        _progress.print(f"{count} cameras: p99 {report.load.latency_ms(99):.0f} ms, {'fine' if met else 'too many'}")
        rows.append(_serve_row(report, None) | {"fine": met})

    with _checkpoint(model) as name, ServerProcess("--model", name, "--max-streams", "2048") as server:
        most = find_most_cameras(server, wanted, frames, most, note)
    _print(f"{model}: {most} cameras at {fps:g} fps, p99 {p99_ms:g} ms", rows, as_json=json)
    return 0 if most else 1
