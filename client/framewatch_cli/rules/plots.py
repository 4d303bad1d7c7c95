"""Pictures of calibrations and evaluations; needs matplotlib (`framewatch[plot]`)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from framewatch_cli.pictures.plots import THRESHOLD, new_figure, save_figure, scale_axis
from framewatch_cli.rules.timelines import Timeline, calibration_timeline
from framewatch_core.calibration.calibrate import Calibration
from framewatch_core.calibration.evaluation import RuleEvaluation
from framewatch_core.calibration.intervals import Interval
from framewatch_core.calibration.thresholds import place_of, to_axis
from framewatch_core.rules.events import EventKind
from framewatch_core.rules.rule import EventRule
from framewatch_core.time import NS_PER_S

PRESENT, ABSENT, SCORE = "#2e7d32", "#1565c0", "#37474f"
ENTER, EXIT, WRONG, RIGHT = THRESHOLD, "#6a1b9a", "#c62828", "#2e7d32"
PRESENCE = "#ffb74d"
EDGE = 0.96


def draw_calibration(path: Path, calibration: Calibration) -> None:
    """Draws how scores are distributed, and the timeline with events. Raises OSError."""
    figure = new_figure(6.4)
    distribution, timeline = figure.subplots(2, 1, height_ratios=(1, 1.1))
    _draw_distribution(distribution, calibration)
    _draw_timeline(timeline, calibration_timeline(calibration))
    timeline.set_xlabel("time [s]")
    save_figure(figure, path)


def draw_evaluation(path: Path, timelines: Sequence[Timeline]) -> None:
    """Draws each rule's timeline with the truth, right, false and missed events. Raises OSError."""
    figure = new_figure(1.2 + 2.1 * len(timelines))
    axes = figure.subplots(len(timelines), 1, squeeze=False, sharex=True)[:, 0]
    for ax, timeline in zip(axes, timelines, strict=True):
        _draw_timeline(ax, timeline)
    axes[-1].set_xlabel("time [s]")
    save_figure(figure, path)


def _draw_distribution(ax: Any, calibration: Calibration) -> None:
    found, rule = calibration.histogram(60), calibration.rule
    width = float(found.axis_edges[1] - found.axis_edges[0])
    for name, counts, colour in (("with it", found.present, PRESENT), ("without it", found.absent, ABSENT)):
        if not counts.any():
            continue
        share = counts / max(int(counts.sum()), 1)
        label = f"{name} ({int(counts.sum()):,} frames)"
        ax.bar(found.axis_edges[:-1], share, width, align="edge", color=colour, alpha=0.6, label=label)
    _draw_thresholds(ax.axvline, rule)
    scale_axis(ax.xaxis, rule.score_kind)
    ax.set(title=f"scores of {rule.label!r}", xlabel=_score_name(rule), ylabel="share of its frames")
    ax.yaxis.set_major_formatter("{x:.0%}")
    ax.margins(x=0.02)
    legend_beside(ax)


def _draw_timeline(ax: Any, timeline: Timeline) -> None:
    rule = timeline.rule
    _shade(ax, timeline.present, PRESENT, 0.18, "truth: there")
    _shade(ax, timeline.absent, ABSENT, 0.08, "truth: not there")
    times_s = timeline.times_ns / NS_PER_S
    ax.plot(times_s, to_axis(rule.score_kind, timeline.scores), color=SCORE, linewidth=1.0)
    _draw_thresholds(ax.axhline, rule)
    for i, span in enumerate(timeline.presences):
        _bar(ax, span, "ENTERED to EXITED" if i == 0 else None)
    _draw_events(ax, timeline)
    scale_axis(ax.yaxis, rule.score_kind)
    ax.set(title=rule.name, ylabel=_score_name(rule), xlim=(0, timeline.end_ns / NS_PER_S))
    ax.margins(y=0.12)
    legend_beside(ax)


def legend_beside(ax: Any) -> None:
    """Puts the legend beside the axes, where it hides nothing."""
    ax.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), fontsize="small", frameon=False)


def _shade(ax: Any, spans: Sequence[Interval], colour: str, alpha: float, name: str) -> None:
    for i, span in enumerate(spans):
        label = name if i == 0 else None
        ax.axvspan(*_seconds(span), color=colour, alpha=alpha, linewidth=0, label=label)


def _bar(ax: Any, span: Interval, name: str | None) -> None:
    """Draws a presence along the upper edge."""
    ax.plot(
        _seconds(span),
        (EDGE, EDGE),
        color=PRESENCE,
        linewidth=5,
        solid_capstyle="butt",
        label=name,
        transform=ax.get_xaxis_transform(),
    )


def _draw_events(ax: Any, timeline: Timeline) -> None:
    evaluation = timeline.evaluation
    if evaluation is None:
        _mark(ax, [(event.kind, event.began.time_ns) for event in timeline.events], ENTER, "event")
        return
    _mark(ax, [(match.event.kind, match.event.began.time_ns) for match in evaluation.matches], RIGHT, "right event")
    _mark(ax, _false(evaluation), WRONG, "false event")
    for i, missed in enumerate(evaluation.missed):
        ax.axvline(missed.time_ns / NS_PER_S, color=WRONG, linestyle=":", label="missed" if i == 0 else None)


def _false(evaluation: RuleEvaluation) -> list[tuple[EventKind, int]]:
    return [(event.kind, event.began.time_ns) for event in (*evaluation.false, *evaluation.doubled)]


def _mark(ax: Any, events: Sequence[tuple[EventKind, int]], colour: str, name: str) -> None:
    """Draws triangles on the upper edge: ENTERED points up, EXITED down."""
    for kind, marker in ((EventKind.ENTERED, "^"), (EventKind.EXITED, "v")):
        times_s = [time_ns / NS_PER_S for found, time_ns in events if found is kind]
        if times_s:
            ax.plot(
                times_s,
                [EDGE] * len(times_s),
                linestyle="",
                marker=marker,
                color=colour,
                markersize=8,
                markeredgecolor="white",
                clip_on=False,
                label=f"{name}: {kind.name}",
                transform=ax.get_xaxis_transform(),
                zorder=3,
            )


def _draw_thresholds(line: Any, rule: EventRule) -> None:
    for name, threshold, colour in (("enter at", rule.enter_at, ENTER), ("exit below", rule.exit_threshold, EXIT)):
        place = place_of(rule.score_kind, threshold)
        line(place, color=colour, linestyle="--", linewidth=1.2, label=f"{name} {threshold:g}")


def _score_name(rule: EventRule) -> str:
    return f"{'smoothed ' if rule.smoothing_ns else ''}{rule.score_kind.name.lower()}"


def _seconds(span: Interval) -> tuple[float, float]:
    return span.start_ns / NS_PER_S, span.end_ns / NS_PER_S
