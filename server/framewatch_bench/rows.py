"""What is printed of a load."""

from __future__ import annotations

from framewatch_bench.load.serve import ServeReport
from framewatch_server.tables import Row


def serve_row(report: ServeReport) -> Row:
    """The figures of a load."""
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
