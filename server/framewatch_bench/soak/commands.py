"""The command of `bench` that lets a server stand honest and hostile clients for a long time."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter
from cyclopts.validators import Number

from framewatch_bench.counted import CountedServer
from framewatch_bench.options import DEMO, Json
from framewatch_server.tables import Row, print_line, print_rows

if TYPE_CHECKING:
    from framewatch_bench.soak.run import SoakReport


def soak(
    *,
    seconds: Annotated[float, Parameter(validator=Number(gte=5))] = 180.0,
    cameras: int = 2,
    p99_ms: float = 5000.0,
    report_s: float = 10.0,
    plot: Path | None = None,
    json: Json = False,
) -> int:
    """Runs a server with honest clients beside hostile ones; exit code 1 if a promise is broken.

    The server has the demo model. Cameras show it a clip with known events, callers ask for known answers, and a health
    check watches it, while another process attacks it in all ways that are known.

    Args:
        seconds: Length; the memory's slope needs at least 25 minutes.
        cameras: Honest cameras that start a new stream for each showing of the clip; one more goes on in one stream.
        p99_ms: Largest p99 delay of honest clients under attack, ms.
        report_s: Seconds between two lines of progress.
        plot: PNG file for a plot of memory and delays over time.
        json: Print one line of JSON per promise.

    """
    import asyncio  # noqa: PLC0415 `--help` stays quick

    from framewatch_bench.soak.run import Plan, run_soak, stop  # noqa: PLC0415 the client

    with CountedServer("--model", DEMO) as server:
        result = asyncio.run(run_soak(server, Plan(seconds, cameras, report_s, p99_ms), print_line))
        stop(server, result)
    if plot is not None:
        from framewatch_bench.soak.plots import plot_soak  # noqa: PLC0415 matplotlib

        plot_soak(plot, result)
    promises = list(result.promises())
    print_rows(f"{seconds:g} s of honest and hostile clients", [each.row() for each in promises], as_json=json)
    if not json:
        print_rows("memory and delays", [_figures(result)], as_json=False)
    for name, counts in _counts(result).items():
        print_line(f"{name}: {counts}")
    return 0 if all(promise.is_kept for promise in promises) else 1


def _figures(result: SoakReport) -> Row:
    memory = [size / 1e6 for _, size in result.memory]
    growth = result.slope()
    row: Row = {
        "seconds": result.plan.seconds,
        "memory at first, MB": memory[0],
        "most": max(memory),
        "last": memory[-1],
        "settled without caches at first, MB": result.settled[0][1] / 1e6 if result.settled else math.nan,
        "settled without caches at last, MB": result.settled[-1][1] / 1e6 if result.settled else math.nan,
        "caches at last, MB": result.kept[-1] / 1e6 if result.kept else math.nan,
        "slope of settled memory, MB/min": growth.per_minute,
        "its 95 % interval": f"{growth.low:.3f} to {growth.high:.3f}",
    }
    for kind in result.accounts.latencies:
        quiet, hostile = (result.p99_ms(kind, hostile=each) for each in (False, True))
        row[f"{kind}: p99 in quiet, ms"] = quiet
        row[f"{kind}: p99 under attack, ms"] = hostile
    return row


def _counts(result: SoakReport) -> dict[str, object]:
    """Counts that explain a broken promise."""
    return {
        "honest calls": dict(result.accounts.statuses),
        "honest frames": dict(result.accounts.outcomes),
        "attacks": {name: len(spans) for name, spans in result.attacks.items()},
        "longest delay under each, ms": result.slowest_ms(),
        "statuses of hostile calls": dict(result.statuses),
        "outcomes of hostile frames": dict(result.outcomes),
        "log": dict(result.log),
        "errors": [str(entry)[:600] for entry in result.errors[:3]],
        "other lines": [len(result.other_lines), *result.other_lines[:3]],
    }
