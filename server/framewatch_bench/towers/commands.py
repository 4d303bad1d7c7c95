"""Commands of `bench` that measure the image tower alone, and single calls."""

from __future__ import annotations

from framewatch_bench.frames import render_jpegs
from framewatch_bench.options import AS_SERVE, FRAME_COUNT, EngineOptions, Json, Size, checkpoint_of, require_tower
from framewatch_server.tables import Row, print_rows, progress


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
        options: Engine that runs the tower.
        batches: Batch sizes; by default up to 32 on a CPU and up to 1024 on CUDA.
        seconds: Length of the measurement of each batch size.
        json: Print one line of JSON per batch size.

    """
    from framewatch_bench.towers.tower import (  # noqa: PLC0415 torch: `--help` stays quick
        bench_tower,
        count_flops,
        default_batches,
    )

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
        model: A model, as for `bench tower`; null computes nothing and so measures the server itself.
        options: Engine of the server that is started, and of the bare tower.
        size: Size of the frames.
        rounds: Number of turns of each.
        seconds: Length of a turn.
        json: Print one line of JSON.

    """
    from framewatch_bench.towers.call import measure_call  # noqa: PLC0415 torch: `--help` stays quick

    frames = render_jpegs(size, FRAME_COUNT)
    with checkpoint_of(model) as name, progress.status("loading") as status:
        encoder = options.load(name)
        report = measure_call(name, encoder, frames, options, rounds=rounds, seconds=seconds, report=status.update)
    row = {
        "call, ms": report.median(lambda each: each.call_ms),
        "bare tower, ms": report.median(lambda each: each.tower_ms),
        "decode, ms": report.median(lambda each: each.decode_ms),
        "beyond tower and decode, ms": report.median(lambda each: each.beyond_ms),
        "server's decoding, ms": report.median(lambda each: each.server.decode_ms),
        "server's queue, ms": report.median(lambda each: each.server.queue_ms),
        "server's run of the model, ms": report.median(lambda each: each.server.inference_ms),
        "outside of its engine, ms": report.median(lambda each: each.outside_ms),
    }
    info = report.info
    print_rows(f"{model} on {info.device}, {info.engine} {info.dtype}, {size} JPEG", [row], as_json=json)
