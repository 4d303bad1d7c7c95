"""A plot of a soak."""

from __future__ import annotations

from pathlib import Path

from matplotlib.figure import Figure

from framewatch_bench.soak.memory import MB
from framewatch_bench.soak.run import SoakReport


def plot_soak(path: Path, report: SoakReport) -> None:
    """Writes a plot of the server's memory and of the honest clients' delays over time, as a PNG file."""
    figure = Figure(figsize=(9, 5), layout="constrained")
    memory, delay = figure.subplots(2, 1, sharex=True)
    memory.plot([at / 60 for at, _ in report.memory], [size / MB for _, size in report.memory], linewidth=0.8)
    memory.plot([at / 60 for at, _ in report.settled], [size / MB for _, size in report.settled], "o", markersize=3)
    memory.set_ylabel("resident memory, MB")
    memory.set_ylim(bottom=0)
    began = report.hostile_from_s - report.plan.quiet_s
    for kind, latencies in report.accounts.latencies.items():
        minutes = [(at - began) / 60 for at, _ in latencies.values]
        delay.plot(minutes, [seconds * 1000 for _, seconds in latencies.values], ".", markersize=2, label=kind)
    delay.set_yscale("log")
    delay.set_ylabel("delay of honest clients, ms")
    delay.set_xlabel("minutes")
    delay.legend(fontsize=8, ncols=4)
    for axes in (memory, delay):
        axes.axvline(report.plan.quiet_s / 60, color="grey", linewidth=0.8)
        axes.grid(alpha=0.3)
    figure.savefig(path, dpi=120)
