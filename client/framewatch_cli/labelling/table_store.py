"""Labelled pictures as a table; the pictures stay where they are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from framewatch_cli.labelling.rows import csv_rows, is_csv, json_rows, picture_row
from framewatch_cli.labelling.scoring import ScoredPicture
from framewatch_cli.labelling.sorting import Decision, PictureResult, Sorting
from framewatch_cli.labelling.store import LOCK_NAME, LOG_NAME, LabelStore, WriteRow
from framewatch_cli.pictures.atomic import remove_parts, replacing_text


class TableStore(LabelStore):
    """A file with a row for each picture: CSV if its suffix is `.csv`, else JSON lines."""

    keeps_pictures = False

    def __init__(self, out: Path, labels: Iterable[str], root: Path | None, source: str) -> None:
        """Takes a file. `root`: the folder that pictures come from; None: they are frames of `source`."""
        self.out = out
        self.log_path, self.lock_path = (out.with_name(f".{out.name}{name}") for name in (LOG_NAME, LOCK_NAME))
        self._labels = tuple(labels)
        self._root = root
        self._source = source

    def keep(self, scored: ScoredPicture, decision: Decision) -> None:
        """Does nothing: the table is written at the end."""

    def move(self, picture: PictureResult, decision: Decision) -> None:
        """Does nothing: the table is written at the end."""

    def has(self, picture: PictureResult) -> bool:
        """Returns True: a picture needs no place."""
        del picture
        return True

    def clear(self, pictures: Iterable[PictureResult], labels: Iterable[str]) -> None:
        """Removes the table."""
        del pictures, labels
        self.out.unlink(missing_ok=True)

    def remove_parts(self) -> None:
        """Removes the part files of the table and its log."""
        for path in (self.out, self.log_path):
            remove_parts(path)

    @contextmanager
    def tables(self, sorting: Sorting) -> Iterator[WriteRow]:
        """Writes the table."""
        with replacing_text(self.out) as file:
            put = csv_rows(file, self._labels, sorting) if is_csv(self.out) else json_rows(file)

            def write(picture: PictureResult, decision: Decision) -> None:
                put(picture_row(picture, decision, self._file(picture)))

            yield write

    def _file(self, picture: PictureResult) -> str:
        return self._source if self._root is None else str(self._root / picture.item)

    def file_of(self, picture: PictureResult, decision: Decision) -> Path | None:
        """Returns the picture file itself; None for a frame."""
        del decision
        return None if self._root is None else self._root / picture.item
