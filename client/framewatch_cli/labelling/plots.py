"""The plot of a labelling run; needs matplotlib (`framewatch[plot]`)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from framewatch_cli.labelling.sorting import Split
from framewatch_cli.labelling.summary import LOWEST_SCORE, LabelCount, LabelSummary, axis_edges
from framewatch_cli.pictures.plots import THRESHOLD, new_figure, save_figure, scale_axis
from framewatch_core.calibration.thresholds import place_of

MAX_LABELS = 12
MAX_NAME_CHARS = 60
LABELLED, VALIDATION, UNCERTAIN = "#2e7d32", "#81c784", "#ffb74d"


def draw_labels(path: Path, summary: LabelSummary) -> None:
    """Draws for each label the scores of the pictures whose best label it is, and their number. Raises OSError."""
    shown = _most_frequent(summary)
    figure = new_figure(1.4 + 0.9 * len(shown))
    axes = figure.subplots(len(shown), 2, squeeze=False, sharex="col", width_ratios=(2.2, 1))
    for (histogram, counts), (name, label) in zip(axes, shown, strict=True):
        _draw_histogram(histogram, name, label, summary)
        _draw_counts(counts, label)
    sorting = summary.sorting
    least = f"labelled from {sorting.min_score:g} on (dashed), if {sorting.min_margin:g} above the next label"
    axes[0, 0].set_title(f"pictures by their best label's {_kind(summary)}; {least}", loc="left", fontsize="medium")
    axes[0, 1].set_title("pictures of each label", loc="left", fontsize="medium")
    axes[-1, 0].set_xlabel(_kind(summary))
    axes[-1, 1].set_xlabel("pictures")
    figure.legend(*axes[0, 1].get_legend_handles_labels(), loc="outside lower right", ncols=3, frameon=False)
    save_figure(figure, path)


def _most_frequent(summary: LabelSummary) -> list[tuple[str, LabelCount]]:
    """Returns the MAX_LABELS labels with the most pictures, in the labels' order."""
    ranked = sorted(summary.labels.values(), key=lambda label: -int(label.histogram.sum()))[:MAX_LABELS]
    return [(name, label) for name, label in summary.labels.items() if any(label is other for other in ranked)]


def _draw_histogram(ax: Any, name: str, label: LabelCount, summary: LabelSummary) -> None:
    kind, least = summary.sorting.score, summary.sorting.min_score
    edges = axis_edges(kind)
    threshold = place_of(kind, max(least, LOWEST_SCORE))
    colours = [LABELLED if edge >= threshold - 1e-9 else UNCERTAIN for edge in (edges[:-1] + edges[1:]) / 2]
    ax.bar(edges[:-1], label.histogram, np.diff(edges), align="edge", color=colours, linewidth=0)
    ax.axvline(threshold, color=THRESHOLD, linestyle="--", linewidth=1.2)
    ax.annotate(
        _shortened(name),
        (0.01, 0.95),
        xycoords="axes fraction",
        verticalalignment="top",
        fontsize="small",
        fontweight="bold",
        parse_math=False,
    )
    scale_axis(ax.xaxis, kind)
    ax.yaxis.get_major_locator().set_params(integer=True, nbins=3)
    ax.margins(x=0.01)
    ax.set_ylim(0, max(1.0, 1.3 * float(label.histogram.max())))
    ax.tick_params(labelsize="small")


def _draw_counts(ax: Any, label: LabelCount) -> None:
    start = 0
    for name, colour, number in (
        ("for training", LABELLED, label.by_split[Split.TRAIN]),
        ("for validation", VALIDATION, label.by_split[Split.VALIDATION]),
        ("uncertain", UNCERTAIN, label.uncertain),
    ):
        ax.barh(0, number, left=start, color=colour, label=name)
        start += number
    ax.annotate(f" {start:,}", (start, 0), verticalalignment="center", fontsize="small")
    ax.set_yticks([])
    ax.set_ylim(-0.7, 0.7)
    ax.margins(x=0.2)
    ax.set_xlim(left=0)
    ax.tick_params(labelsize="small")
    ax.xaxis.get_major_locator().set_params(integer=True)


def _shortened(name: str) -> str:
    return name if len(name) <= MAX_NAME_CHARS else f"{name[: MAX_NAME_CHARS - 1]}…"


def _kind(summary: LabelSummary) -> str:
    return summary.sorting.score.name.lower()
