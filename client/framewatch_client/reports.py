"""What calibrations and evaluations come to, for people."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.text import Text

from framewatch_client.render import clock, plain_table
from framewatch_core.calibration import Calibration
from framewatch_core.estimates import Estimate
from framewatch_core.evaluation import Evaluation, RuleEvaluation, Said, Transition
from framewatch_core.judging import EventEstimates
from framewatch_core.rules import NS_PER_S, EventRule

OPTIMISM = (
    "Thresholds and estimates come from the same few appearances, so the estimates are optimistic: watch for a while, "
    "or evaluate on other material, before you rely on them."
)


def calibration_report(calibration: Calibration) -> RenderableType:
    """The rule and what it rests on."""
    parts: list[RenderableType] = [_rule_line(calibration.rule), Text(), _separation_table(calibration), Text()]
    parts += [_estimate_table(calibration), Text(OPTIMISM, "dim")]
    return Group(*parts)


def _rule_line(rule: EventRule) -> Text:
    line = Text.assemble((rule.name, "bold"), f": {rule.score.name.lower()}")
    line.append(f", ENTERED at {rule.enter_at:g} for {_seconds(rule.min_present_ns)}")
    line.append(f", EXITED below {rule.exit_threshold:g} for {_seconds(rule.min_absent_ns)}")
    if rule.smoothing_ns:
        line.append(f", smoothed with a half-life of {_seconds(rule.smoothing_ns)}")
    return line


def _separation_table(calibration: Calibration) -> RenderableType:
    table = plain_table("")
    table.add_column("score")
    table.add_column("ROC AUC over frames", justify="right")
    table.add_column("gap between the classes", justify="right")
    for kind, found in calibration.separations.items():
        is_chosen = kind is calibration.rule.score
        name = f"{kind.name.lower()}{' ← chosen' if is_chosen else ''}"
        table.add_row(name, f"{found.auc:.3f}", f"{found.margin:.0%}", style="bold" if is_chosen else "")
    return table


def _estimate_table(calibration: Calibration) -> RenderableType:
    table = plain_table("")
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
        yield (name + suffix, *_estimate_cells(estimate, digits))


def _estimate_cells(estimate: Estimate, digits: int) -> tuple[str, str, str]:
    value = "unknown" if estimate.value is None else f"{estimate.value:.{digits}f}"
    return value, f"{estimate.low:.{digits}f} to {estimate.high:.{digits}f}", estimate.basis


def evaluation_report(evaluation: Evaluation) -> RenderableType:
    """How right events were, and every one that was not."""
    figures = plain_table("")
    for column in ("", "value", "95 % interval", "counted"):
        figures.add_column(column, justify="left" if not column else "right")
    figures.add_row("precision", *_estimate_cells(evaluation.precision, 2))
    figures.add_row("recall", *_estimate_cells(evaluation.recall, 2))
    figures.add_row("delay", _delay(evaluation.median_delay_ns()), "", "median")
    figures.add_row("", _delay(evaluation.max_delay_ns()), "", "longest")
    figures.add_row("flaps", str(evaluation.flap_count), "", "")
    rules = plain_table("")
    for column in ("rule", "right", "missed", "false", "wrong ones"):
        rules.add_column(column, justify="left" if column in {"rule", "wrong ones"} else "right")
    for rule in evaluation.rules:
        false = len(rule.false) + len(rule.doubled)
        cells = str(len(rule.matches)), str(len(rule.missed)), str(false)
        rules.add_row(Text(rule.rule), *cells, Text("\n").join(_wrong(rule)), style="" if not false else "red")
    parts: list[RenderableType] = [rules, Text(), figures]
    if evaluation.unwatched:
        parts.append(Text(f"no rule looks at: {', '.join(evaluation.unwatched)}", "yellow"))
    return Group(*parts)


def _wrong(rule: RuleEvaluation) -> Iterator[Text]:
    wrong: list[tuple[int, str]] = [(t.time_ns, f"missed {_told(t)}") for t in rule.missed]
    wrong += [(e.began_ns, f"false {_told(e)}") for e in rule.false]
    wrong += [(e.began_ns, f"said twice {_told(e)}") for e in rule.doubled]
    return (Text(sentence) for _, sentence in sorted(wrong))


def _told(what: Said | Transition) -> str:
    time_ns = what.time_ns if isinstance(what, Transition) else what.began_ns
    return f"{what.kind.name} at {clock(time_ns / NS_PER_S)}"


def _delay(time_ns: float | None) -> str:
    return "–" if time_ns is None else f"{time_ns / NS_PER_S:.2f} s"


def _seconds(time_ns: int) -> str:
    return f"{time_ns / NS_PER_S:g} s"
