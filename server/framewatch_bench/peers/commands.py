"""The command of `bench` that measures the server against its peers."""

from __future__ import annotations

from pathlib import Path

from framewatch_bench.frames import render_jpegs
from framewatch_bench.options import AS_SERVE, FRAME_COUNT, EngineOptions, Json, Size, shared_checkpoint_of
from framewatch_server.tables import Row, print_rows, progress


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
        model: A model, as for `bench tower`.
        size: Size of the frames.
        streams: Number of streams of the server; as many clients send to infinity, each one frame at a time.
        rounds: Number of turns of each.
        seconds: Length of a turn.
        options: Engine of the server and of the bare tower.
        infinity: Path of the command infinity_emb, if it is not on the PATH.
        json: Print one line of JSON per contender.

    """
    from framewatch_bench.peers.compare import Comparison  # noqa: PLC0415 torch: `--help` stays quick
    from framewatch_bench.peers.infinity import find_infinity  # noqa: PLC0415 only needed here

    command = find_infinity(infinity)
    frames = render_jpegs(size, FRAME_COUNT)
    with shared_checkpoint_of(model) as name, progress.status("loading") as status:
        comparison = Comparison(model, name, frames, options, streams, seconds, command)
        contenders = comparison.run(rounds, status.update)
    own = contenders[0].fps
    rows: list[Row] = [
        {"": each.name, "frames/s": each.fps, "ms/frame": 1000 / each.fps, "framewatch is": f"{own / each.fps:.2f} ×"}
        for each in contenders
    ]
    print_rows(f"{model}, {size} JPEG", rows, as_json=json)
    for line in comparison.absent:
        progress.print(line)
