"""Reports of calibrations and evaluations for people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from framewatch_cli.rules.recording import Recording
from framewatch_cli.rules.timelines import Timeline, calibration_timeline
from framewatch_cli.terminal.charts import Marks, axis, columns, merged, peaks, spans, sparkline
from framewatch_cli.terminal.output import Output
from framewatch_cli.terminal.tables import clock, plain_table
from framewatch_core.calibration.calibrate import Calibration
from framewatch_core.calibration.estimates import Estimate
from framewatch_core.calibration.evaluation import Evaluation, RuleEvaluation, Transition
from framewatch_core.calibration.tally import EventEstimates
from framewatch_core.calibration.thresholds import place_of
from framewatch_core.rules.events import Event
from framewatch_core.rules.rule import EventRule
from framewatch_core.time import NS_PER_S

NAME_CELLS = 12
CHART_CELLS = 66
HISTOGRAM_ROWS = 3
MAX_TIMELINES = 8

HELD_OUT = "Left out: each stretch is tested with a rule that was made without it."
BACKGROUND_ONLY = "How many appearances it finds is not known: there was none in the material."
OPTIMISM = (
    "Thresholds and estimates come from the same short material, so the estimates are optimistic: watch for a while, "
    "or evaluate on other material, before you rely on them."
)


def print_missing_frames(recording: Recording, output: Output) -> None:
    """Prints how many frames the rules did not get, if there are any."""
    held = sum(bool(frame.held) for frame in recording.frames)
    for count, what in ((recording.missing_count, "could not be scored"), (held, "had pictures that can't be trusted")):
        if count:
            output.print_note(f"note: {count:,} of the frames {what}; rules did not get them")


def calibration_report(calibration: Calibration) -> RenderableType:
    """Returns the rule, its material, and the estimates of its events."""
    parts: list[RenderableType] = [_rule_line(calibration.rule), Text()]
    if calibration.separations:
        parts += [_separation_table(calibration), Text()]
    parts += [histogram_chart(calibration), Text(), timeline_chart(calibration_timeline(calibration)), Text()]
    parts += [_estimate_table(calibration)]
    if not calibration.material.present:
        parts.append(Text(BACKGROUND_ONLY, "dim"))
    if calibration.held_out is not None:
        parts.append(Text(HELD_OUT, "dim"))
    parts.append(Text(OPTIMISM, "dim"))
    return Group(*parts)


def histogram_chart(calibration: Calibration) -> Text:
    """Returns the distribution of scores, with the label's thing and without it, and the thresholds."""
    found = calibration.histogram(CHART_CELLS)
    kind, rule = calibration.rule.score_kind, calibration.rule
    lines = Text()
    for name, counts, style in (("with it", found.present, "green"), ("without", found.absent, "blue")):
        for row, line in enumerate(columns(counts, HISTOGRAM_ROWS) if counts.any() else ()):
            _row(lines, name if row == HISTOGRAM_ROWS - 1 else "", line, style)
    marks = Marks(CHART_CELLS)
    low, high = float(found.axis_edges[0]), float(found.axis_edges[-1])
    for name, threshold in (("exit", rule.exit_threshold), ("enter", rule.enter_at)):
        place = (place_of(kind, threshold) - low) / (high - low)
        marks.put(place, f"▲ {name} {threshold:g}")
    _row(lines, "", marks.line, "yellow")
    _row(lines, kind.name.lower(), axis(f"{found.edges[0]:.3g}", f"{found.edges[-1]:.3g}", CHART_CELLS), "dim")
    return lines


def timeline_chart(timeline: Timeline) -> Text:
    """Returns the known stretches, the scores and the events over time."""
    lines = Text()
    known = merged(
        spans(timeline.absent, timeline.end_ns, CHART_CELLS, "─"), spans(timeline.present, timeline.end_ns, CHART_CELLS)
    )
    _row(lines, "truth", known, "green")
    low, high = min(0.0, float(timeline.scores.min(initial=0.0))), float(timeline.scores.max(initial=0.0))
    high = max(high, timeline.rule.enter_at)
    scores = peaks(timeline.times_ns, timeline.scores, timeline.end_ns, CHART_CELLS)
    _row(lines, timeline.rule.score_kind.name.lower(), sparkline(scores, low, high), "cyan")
    _row(lines, "events", spans(timeline.presences, timeline.end_ns, CHART_CELLS), "yellow")
    _row(lines, "", axis(clock(0), clock(timeline.end_ns / NS_PER_S), CHART_CELLS), "dim")
    return lines


def _row(lines: Text, name: str, line: str, style: str) -> None:
    if lines:
        lines.append("\n")
    lines.append(f"{name:<{NAME_CELLS}}", "dim")
    lines.append(line, style)


def _rule_line(rule: EventRule) -> Text:
    line = Text.assemble((rule.name, "bold"), f": {rule.score_kind.name.lower()}")
    line.append(f", ENTERED at {rule.enter_at:g} for {_seconds(rule.min_present_ns)}")
    line.append(f", EXITED below {rule.exit_threshold:g} for {_seconds(rule.min_absent_ns)}")
    if rule.smoothing_ns:
        line.append(f", smoothed with a half-life of {_seconds(rule.smoothing_ns)}")
    return line


def _separation_table(calibration: Calibration) -> RenderableType:
    table = plain_table()
    table.add_column("score")
    table.add_column("ROC AUC over frames", justify="right")
    table.add_column("gap between the classes", justify="right")
    for kind, found in calibration.separations.items():
        is_chosen = kind is calibration.rule.score_kind
        name = f"{kind.name.lower()}{' ← chosen' if is_chosen else ''}"
        table.add_row(name, f"{found.auc:.3f}", f"{found.margin:.0%}", style="bold" if is_chosen else "")
    return table


def _estimate_table(calibration: Calibration) -> RenderableType:
    table = plain_table()
    table.add_column("events")
    for column in ("on this material", "95 % interval", "counted"):
        table.add_column(column, justify="right")
    for held, estimates in (("", calibration.estimates), (", left out", calibration.held_out)):
        if estimates is not None:
            for row in _estimate_rows(estimates, held):
                table.add_row(*row)
    return table


def _estimate_rows(estimates: EventEstimates, suffix: str) -> Iterator[tuple[str, str, str, str]]:
    for name, estimate, digits in (
        ("precision", estimates.precision, 2),
        ("recall", estimates.recall, 2),
        ("false an hour", estimates.false_per_hour, 1),
    ):
        if estimate.value is not None:
            yield (name + suffix, *_estimate_cells(estimate, digits))


def _estimate_cells(estimate: Estimate, digits: int) -> tuple[str, str, str]:
    value = "–" if estimate.value is None else f"{estimate.value:.{digits}f}"
    return value, f"{estimate.low:.{digits}f} to {estimate.high:.{digits}f}", estimate.basis


def evaluation_report(evaluation: Evaluation, timelines: Sequence[Timeline] = ()) -> RenderableType:
    """Returns the timelines of the rules, those with errors first, then every wrong event and the figures."""
    parts: list[RenderableType] = []
    for timeline in sorted(timelines, key=lambda line: _is_right(line.evaluation))[:MAX_TIMELINES]:
        parts += [Text(timeline.rule.name, "bold"), timeline_chart(timeline), Text()]
    parts += [_rule_table(evaluation), Text(), _figures_table(evaluation)]
    if evaluation.unwatched:
        parts.append(Text(f"no rule watches: {', '.join(evaluation.unwatched)}", "yellow"))
    return Group(*parts)


def _is_right(evaluation: RuleEvaluation | None) -> bool:
    return evaluation is not None and evaluation.is_right


def _rule_table(evaluation: Evaluation) -> Table:
    table = plain_table()
    for column in ("rule", "right", "missed", "false", "which"):
        table.add_column(column, justify="left" if column in {"rule", "which"} else "right")
    for rule in evaluation.rules:
        counts = len(rule.matches), len(rule.missed), len(rule.false) + len(rule.doubled)
        style = "" if rule.is_right else "red"
        table.add_row(Text(rule.rule), *map(str, counts), Text("\n").join(_wrong(rule)), style=style)
    return table


def _figures_table(evaluation: Evaluation) -> Table:
    table = plain_table()
    table.add_column("events")
    for column in ("", "95 % interval", "counted"):
        table.add_column(column, justify="right")
    table.add_row("precision", *_estimate_cells(evaluation.precision, 2))
    table.add_row("recall", *_estimate_cells(evaluation.recall, 2))
    table.add_row("delay of events, median", _delay(evaluation.median_delay_ns()), "", "")
    table.add_row("delay of events, longest", _delay(evaluation.max_delay_ns()), "", "")
    table.add_row("error of the beginning, largest", _delay(evaluation.max_error_ns()), "", "")
    table.add_row("flaps", str(evaluation.flap_count), "", "")
    return table


def _wrong(rule: RuleEvaluation) -> Iterator[Text]:
    wrong: list[tuple[int, str]] = [(t.time_ns, f"missed {_moment(t)}") for t in rule.missed]
    wrong += [(e.began.time_ns, f"false {_moment(e)}") for e in rule.false]
    wrong += [(e.began.time_ns, f"emitted twice: {_moment(e)}") for e in rule.doubled]
    wrong += [(e.began.time_ns, f"not counted: {_moment(e)}, which is fuzzy") for e in rule.unsure]
    return (Text(sentence) for _, sentence in sorted(wrong))


def _moment(what: Event | Transition) -> str:
    time_ns = what.time_ns if isinstance(what, Transition) else what.began.time_ns
    return f"{what.kind.name} at {clock(time_ns / NS_PER_S)}"


def _delay(time_ns: float | None) -> str:
    return "–" if time_ns is None else f"{time_ns / NS_PER_S:.2f} s"


def _seconds(time_ns: int) -> str:
    return f"{time_ns / NS_PER_S:g} s"
