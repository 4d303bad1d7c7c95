"""The picture of a labelling run; needs matplotlib (`framewatch[plot]`)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from framewatch_client.label_summary import LOWEST_SCORE, LabelCount, LabelSummary, axis_edges
from framewatch_client.labelling import Split
from framewatch_client.plots import ENTER, new_figure, save_figure, scale_axis
from framewatch_core.thresholds import place_of

MAX_LABELS = 12
LABELLED, VALIDATION, UNCERTAIN = "#2e7d32", "#81c784", "#ffb74d"


def draw_labels(path: Path, summary: LabelSummary) -> None:
    """Draws for each label the scores of the pictures that it fits best, and how many there are. Raises OSError."""
    shown = _most_frequent(summary)
    figure = new_figure(1.6 + 0.9 * len(shown))
    histograms, counts = figure.subfigures(1, 2, width_ratios=(1.7, 1), squeeze=False)[0]
    axes = histograms.subplots(len(shown), 1, squeeze=False, sharex=True)[:, 0]
    for ax, (name, label) in zip(axes, shown, strict=True):
        _draw_histogram(ax, name, label, summary)
    axes[0].set_title(f"{_kind(summary)} of the best label", loc="left", fontsize="medium")
    axes[-1].set_xlabel(f"{_kind(summary)}, pictures in {axis_edges(summary.sorting.score).size - 1} steps")
    _draw_counts(counts.subplots(), shown, summary)
    save_figure(figure, path)


def _most_frequent(summary: LabelSummary) -> list[tuple[str, LabelCount]]:
    """In the labels' order."""
    ranked = sorted(summary.labels.values(), key=lambda label: -int(label.histogram.sum()))[:MAX_LABELS]
    return [(name, label) for name, label in summary.labels.items() if any(label is other for other in ranked)]


def _draw_histogram(ax: Any, name: str, label: LabelCount, summary: LabelSummary) -> None:
    kind, least = summary.sorting.score, summary.sorting.min_score
    edges = axis_edges(kind)
    threshold = place_of(kind, max(least, LOWEST_SCORE))
    colours = [LABELLED if edge >= threshold - 1e-9 else UNCERTAIN for edge in (edges[:-1] + edges[1:]) / 2]
    ax.bar(edges[:-1], label.histogram, np.diff(edges), align="edge", color=colours, linewidth=0)
    ax.axvline(threshold, color=ENTER, linestyle="--", linewidth=1.2)
    ax.annotate(
        f"{name}", (0.01, 0.95), xycoords="axes fraction", verticalalignment="top", fontsize="small", fontweight="bold"
    )
    scale_axis(ax.xaxis, kind)
    ax.yaxis.get_major_locator().set_params(integer=True, nbins=3)
    ax.margins(x=0.01, y=0.15)
    ax.tick_params(labelsize="small")


def _draw_counts(ax: Any, shown: list[tuple[str, LabelCount]], summary: LabelSummary) -> None:
    places = np.arange(len(shown))[::-1]
    start = np.zeros(len(shown))
    parts = [
        ("for training", LABELLED, [label.by_split[Split.TRAIN] for _, label in shown]),
        ("for validation", VALIDATION, [label.by_split[Split.VALIDATION] for _, label in shown]),
        ("uncertain", UNCERTAIN, [label.uncertain for _, label in shown]),
    ]
    for name, colour, numbers in parts:
        if any(numbers):
            ax.barh(places, numbers, left=start, color=colour, label=f"{name} ({sum(numbers):,})")
            start += numbers
    ax.set_yticks(places, [_short(name) for name, _ in shown], fontsize="small")
    sorting = summary.sorting
    title = f"pictures; dashed: --min-score {sorting.min_score:g}; --min-margin {sorting.min_margin:g}"
    ax.set_title(title, loc="left", fontsize="medium")
    ax.xaxis.get_major_locator().set_params(integer=True)
    if any(start):
        ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.12), ncols=3, fontsize="small", frameon=False)


def _short(name: str) -> str:
    return name if len(name) <= 24 else f"{name[:23]}…"


def _kind(summary: LabelSummary) -> str:
    return summary.sorting.score.name.lower()
