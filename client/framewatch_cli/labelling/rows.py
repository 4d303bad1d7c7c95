"""Rows of tables of labelled pictures, as CSV and as JSON lines."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import IO, Any

from framewatch_cli.labelling.sorting import Decision, PictureResult, Pile, Sorting

_DIGITS = 6

Row = dict[str, Any]


def is_csv(out: Path) -> bool:
    """Returns True if a table is written as CSV."""
    return out.suffix.lower() == ".csv"


def picture_row(picture: PictureResult, decision: Decision, file: str) -> Row:
    """Returns the row of a picture; fields without a value are None. `file`: path of the picture, or of its video."""
    return {
        "file": file,
        "source": picture.item,
        "pile": decision.pile.value,
        "split": decision.split and decision.split.value,
        "label": decision.label or None,
        "score": _rounded(decision.score),
        "runner_up": decision.runner_up or None,
        "margin": _rounded(decision.margin),
        "model": picture.model or None,
        "time_s": _rounded(picture.time_s),
        "frame": picture.frame_id,
        "error": picture.error or None,
        "scores": {
            score.label: {
                "probability": _rounded(score.probability),
                "similarity": _rounded(score.similarity),
                "presence": _rounded(score.presence),
            }
            for score in picture.scores
        },
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, _DIGITS)


def json_line(data: Mapping[str, Any]) -> str:
    """Returns the data as a line of JSON."""
    return json.dumps(data, ensure_ascii=False) + "\n"


def json_rows(file: IO[str]) -> Callable[[Row], object]:
    """Returns a function that writes a row as a line of JSON."""
    return lambda row: file.write(json_line(row))


def csv_rows(file: IO[str], labels: Iterable[str], sorting: Sorting) -> Callable[[Row], None]:
    """Returns a function that writes a row as CSV. Each label's score has a column of its own, `probability: a cat`."""
    kind = sorting.score.name.lower()
    columns = {label: f"{kind}: {label}" for label in labels}
    names = [name for name in picture_row(PictureResult("", ""), Decision(Pile.FAILED), "") if name != "scores"]
    writer = csv.DictWriter(file, [*names, *columns.values()], lineterminator="\n")
    writer.writeheader()

    def put(row: Row) -> None:
        scores = {columns[label]: values[kind] for label, values in row.pop("scores").items()}
        writer.writerow({**row, **scores})

    return put
