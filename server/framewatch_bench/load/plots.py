"""Plots of measurements under load."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from matplotlib.figure import Figure

from framewatch_bench.load.measure import ServeReport


def plot_growth(path: Path, title: str, reports: Sequence[ServeReport]) -> None:
    """Writes a plot of throughput, delay and CPU time over the number of streams, as a PNG file."""
    streams = [report.load.plan.streams for report in reports]
    figure = Figure(figsize=(9, 3.2), layout="constrained")
    figure.suptitle(title, fontsize=10)
    throughput, delay, cost = figure.subplots(1, 3)
    throughput.plot(streams, [report.load.throughput for report in reports], marker="o")
    throughput.set_ylabel("scored frames/s")
    for percent in (50, 95, 99):
        delays = [report.load.latency_ms(percent) for report in reports]
        delay.plot(streams, delays, marker="o", label=f"p{percent}")
    delay.set_ylabel("from sending to scores, ms")
    delay.legend(fontsize=8)
    cost.plot(streams, [report.cpu_ms or 0.0 for report in reports], marker="o")
    cost.set_ylabel("server's CPU, ms/frame")
    for axes in (throughput, delay, cost):
        axes.set_xscale("log", base=2)
        axes.set_xticks(streams, [str(count) for count in streams])
        axes.set_xlabel("streams")
        axes.set_ylim(bottom=0)
        axes.grid(alpha=0.3)
    figure.savefig(path, dpi=120)
