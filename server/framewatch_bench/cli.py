"""`framewatch-server bench …`."""

from __future__ import annotations

from pathlib import Path

from cyclopts import App

from framewatch_bench.events.commands import events
from framewatch_bench.frames import render_jpegs
from framewatch_bench.load.commands import cameras, hold, serve
from framewatch_bench.load.load import LoadPlan
from framewatch_bench.load.overhead import measure_overhead
from framewatch_bench.options import (
    AS_SERVE,
    FRAME_COUNT,
    EngineOptions,
    Json,
    Size,
    checkpoint_of,
    require_tower,
    shared_checkpoint_of,
)
from framewatch_server.tables import Row, print_rows, progress

app = App(name="bench")
for command in (serve, hold, cameras, events):
    app.command(command)


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
    from framewatch_bench.towers.engine import bench_tower, count_flops, default_batches  # noqa: PLC0415

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
    from framewatch_bench.towers.call import measure_call  # noqa: PLC0415 torch

    frames = render_jpegs(size, FRAME_COUNT)
    with checkpoint_of(model) as name, progress.status("loading") as status:
        encoder = options.load(name)
        report = measure_call(name, encoder, frames, options, rounds=rounds, seconds=seconds, report=status.update)
    row = {
        "call, ms": report.median(lambda each: each.call_ms),
        "bare tower, ms": report.median(lambda each: each.tower_ms),
        "decode, ms": report.median(lambda each: each.decode_ms),
        "beyond tower and decode, ms": report.median(lambda each: each.beyond_ms),
    }
    info = report.info
    print_rows(f"{model} on {info.device}, {info.engine} {info.dtype}, {size} JPEG", [row], as_json=json)


@app.command
def check(
    model: str = "ViT-B/32",
    *,
    options: EngineOptions = AS_SERVE,
    streams: int = 16,
    held: int = 200,
    size: Size = "720p",
    seconds: float = 8.0,
    json: Json = False,
) -> int:
    """Measures what framewatch promises of speed, fairness and memory; exit code 1 if a promise is broken.

    Args:
        model: As for `bench tower`.
        options: Of the server and of the bare tower.
        streams: Cameras under load.
        held: Streams that are idle, and clients that send and never read.
        size: Of the frames.
        seconds: Of each measurement.
        json: One line of JSON per promise.

    """
    from framewatch_bench.check import Check  # noqa: PLC0415 torch

    require_tower(model)
    frames = render_jpegs(size, FRAME_COUNT)
    with checkpoint_of(model) as name, progress.status("starting") as status:
        promises = list(Check(name, frames, options, streams, held, seconds).run(status.update))
    rows = [
        {
            "promise": promise.what,
            "measured": float(promise.measured),
            "limit": f"{'≥' if promise.is_least else '≤'} {promise.limit:g}",
            "kept": promise.is_kept,
        }
        for promise in promises
    ]
    print_rows(model, rows, as_json=json)
    return 0 if all(promise.is_kept for promise in promises) else 1


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
    from framewatch_bench.peers.compare import Comparison  # noqa: PLC0415 torch
    from framewatch_bench.peers.infinity import find_infinity  # noqa: PLC0415 only needed here

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
