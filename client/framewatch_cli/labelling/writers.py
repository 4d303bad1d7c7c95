"""Rows of labelled pictures, as CSV and as JSON lines."""

from __future__ import annotations

import csv
import glob
import json
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from framewatch_cli.labelling.decisions import Decision, Picture, Pile, Sorting

_DIGITS = 6
_PART_SUFFIX = ".framewatch-label.part"
# a process's number is no name for it where containers share a folder
_PROCESS = secrets.token_hex(4)

Row = dict[str, Any]


def is_csv(out: Path) -> bool:
    """Whether a table is written as CSV."""
    return out.suffix.lower() == ".csv"


def part_of(path: Path) -> Path:
    """Where this process writes what takes the place of `path` once it is whole."""
    return path.with_name(f".{path.name}.{_PROCESS}{_PART_SUFFIX}")


def remove_parts(folder: Path, name: str | None = None) -> None:
    """Removes what processes that were killed left half written. Raises OSError.

    Args:
        folder: where it is; it may be missing.
        name: of the file that was written; None: any.

    """
    for path in folder.glob(f".{'*' if name is None else glob.escape(name)}.*{_PART_SUFFIX}"):
        path.unlink()


@contextmanager
def replaced(path: Path) -> Iterator[IO[str]]:
    """A text file that takes the place of the one at `path` once it is whole. Raises OSError."""
    part = part_of(path)
    # JSON reads \udc80 back, and CSV at least shows it: names of files need not be text
    with part.open("w", encoding="utf-8", errors="backslashreplace", newline="") as file:
        yield file
    part.replace(path)


def picture_row(picture: Picture, decision: Decision, file: str) -> Row:
    """What is told of a picture; what it has not is None. `file`: where it can be found."""
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
    """The data on one line."""
    return json.dumps(data, ensure_ascii=False) + "\n"


def json_rows(file: IO[str]) -> Callable[[Row], object]:
    """Writes each row that it is given as a line of JSON."""
    return lambda row: file.write(json_line(row))


def csv_rows(file: IO[str], labels: Iterable[str], sorting: Sorting) -> Callable[[Row], None]:
    """Writes each row that it is given as CSV. Each label's score has a column of its own, `probability: a cat`."""
    kind = sorting.score.name.lower()
    columns = {label: f"{kind}: {label}" for label in labels}
    names = [name for name in picture_row(Picture("", ""), Decision(Pile.FAILED), "") if name != "scores"]
    writer = csv.DictWriter(file, [*names, *columns.values()], lineterminator="\n")
    writer.writeheader()

    def put(row: Row) -> None:
        scores = {columns[label]: values[kind] for label, values in row.pop("scores").items()}
        writer.writerow({**row, **scores})

    return put
