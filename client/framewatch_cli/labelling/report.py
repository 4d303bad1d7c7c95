"""The report of a labelling run on the terminal, and notes on its pictures."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from rich.console import RenderableType
from rich.text import Text

from framewatch_cli.labelling.folder_store import PICTURES_FILE, UNCERTAIN_FOLDER
from framewatch_cli.labelling.sorting import Pile, Split
from framewatch_cli.labelling.summary import LabelSummary
from framewatch_cli.terminal.output import Output
from framewatch_cli.terminal.safe_text import name_text
from framewatch_cli.terminal.tables import plain_table


def print_report(summary: LabelSummary, out: Path, output: Output) -> None:
    """Prints a table of the labels, the numbers of pictures in each pile, and the places of the output."""
    output.results.print(_label_table(summary))
    output.results.print()
    output.results.print(_piles(summary), soft_wrap=True)
    for name, path in _places(out):
        output.results.print(f"{name}: {path}", markup=False, soft_wrap=True, style="dim")


def _label_table(summary: LabelSummary) -> RenderableType:
    table = plain_table()
    table.add_column("label", overflow="fold")
    has_validation = summary.sorting.validation_share > 0
    for column in ("train", "validation") if has_validation else ("pictures",):
        table.add_column(column, justify="right")
    table.add_column(f"mean {summary.sorting.score.name.lower()}", justify="right")
    table.add_column("uncertain", justify="right")
    for name, label in summary.labels.items():
        counts = [label.by_split[split] for split in Split] if has_validation else [label.labelled]
        mean = "–" if label.mean_score is None else f"{label.mean_score:.3f}"
        style = "" if label.labelled else "dim"
        table.add_row(
            Text(name_text(name)), *(f"{count:,}" for count in counts), mean, f"{label.uncertain:,}", style=style
        )
    return table


def _piles(summary: LabelSummary) -> Text:
    piles, sorting = summary.piles, summary.sorting
    line = Text(f"{piles[Pile.LABELLED]:,} labelled", "green")
    line.append(f", {piles[Pile.UNCERTAIN]:,} uncertain", "yellow")
    line.append(f" (less than {sorting.min_score:g}, or less than {sorting.min_margin:g} above the next)", "dim")
    if piles[Pile.SKIPPED]:
        line.append(f", {piles[Pile.SKIPPED]:,} skipped, which showed nothing new", "")
    if piles[Pile.FAILED]:
        line.append(f", {piles[Pile.FAILED]:,} failed", "red")
    return line


def _places(out: Path) -> Iterator[tuple[str, Path]]:
    if not out.is_dir():
        yield "labels", out
        return
    yield "labelled", out / Split.TRAIN
    yield "uncertain", out / UNCERTAIN_FOLDER
    yield "scores", out / PICTURES_FILE


def print_notes(summary: LabelSummary, output: Output) -> None:
    """Prints the first pictures that failed, and notes on labels that training will have trouble with."""
    for picture in summary.failures:
        output.print_error(f"{picture.item}: {picture.error}")
    if summary.has_failed:
        rest = summary.piles[Pile.FAILED] - len(summary.failures)
        more = f"{rest:,} more failed; " if rest else ""
        output.print_note(f"{more}the same command again tries those that failed once more")
    if len(found := [name for name, label in summary.labels.items() if label.labelled]) == 1:
        output.print_note(f"note: all labelled pictures are of {found[0]}: a model needs others too")
    if missing := summary.missing_classes:
        output.print_note(
            f"note: either training or validation has no picture of {', '.join(missing)}: loaders then number the "
            "classes differently; give another --val-share, or label more pictures"
        )


def print_how_to_go_on(done_count: int, total: int | None, output: Output) -> None:
    """Prints the number of pictures that a run labelled before it was ended, and how to go on."""
    of = "" if total is None else f" of about {total:,}"
    output.print_note(f"stopped after {done_count:,}{of} pictures: the same command again goes on from there")
