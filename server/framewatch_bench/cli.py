"""`framewatch-server bench …`: the commands of every room, and the check of all promises."""

from __future__ import annotations

from cyclopts import App

from framewatch_bench.events.commands import events
from framewatch_bench.frames import render_jpegs
from framewatch_bench.hostile.attacks import chosen_attacks
from framewatch_bench.load.commands import cameras, hold, overhead, serve
from framewatch_bench.options import AS_SERVE, FRAME_COUNT, EngineOptions, Json, Size, checkpoint_of, require_tower
from framewatch_bench.peers.commands import compare
from framewatch_bench.soak.commands import soak
from framewatch_bench.towers.commands import call, tower
from framewatch_server.tables import print_rows, progress

app = App(name="bench")
for command in (serve, hold, cameras, overhead, tower, call, compare, events, soak):
    app.command(command)


@app.command
def check(
    model: str = "ViT-B/32",
    *,
    options: EngineOptions = AS_SERVE,
    streams: int = 16,
    held: int = 200,
    size: Size = "720p",
    seconds: float = 8.0,
    attacks: tuple[str, ...] = (),
    json: Json = False,
) -> int:
    """Measures the speed, fairness and memory that framewatch promises; exit code 1 if a promise is broken.

    Args:
        model: A model, as for `bench tower`.
        options: Engine of the server and of the bare tower.
        streams: Number of cameras under load.
        held: Number of idle streams, and number of clients that send and never read.
        size: Size of the frames.
        seconds: Length of each measurement.
        attacks: Names of the attacks under which the delays of other streams are measured, such as garbage; all by
            default.
        json: Print one line of JSON per promise.

    """
    from framewatch_bench.check import Check  # noqa: PLC0415 torch: `--help` stays quick

    require_tower(model)
    chosen = chosen_attacks(attacks)
    frames = render_jpegs(size, FRAME_COUNT)
    with checkpoint_of(model) as name, progress.status("starting") as status:
        promises = list(Check(name, frames, options, streams, held, seconds, chosen).run(status.update))
    print_rows(model, [promise.row() for promise in promises], as_json=json)
    return 0 if all(promise.is_kept for promise in promises) else 1
