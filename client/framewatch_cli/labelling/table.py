"""A table of labelled pictures, which stay where they are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from framewatch_cli.labelling.decisions import Decision, Picture, Sorting
from framewatch_cli.labelling.scoring import Scored
from framewatch_cli.labelling.stores import LOCK_NAME, LOG_NAME, LabelStore, Write
from framewatch_cli.labelling.writers import csv_rows, is_csv, json_rows, picture_row, remove_parts, replaced


class TableStore(LabelStore):
    """A file with a row for each picture, which stays where it is. Its suffix says how: `.csv`, else JSON lines."""

    keeps_pictures = False

    def __init__(self, out: Path, labels: Iterable[str], root: Path | None, source: str) -> None:
        """`root`: the folder that pictures come from; None: they are frames of `source`."""
        self.out = out
        self.log_path, self.lock_path = (out.with_name(f".{out.name}{name}") for name in (LOG_NAME, LOCK_NAME))
        self._labels = tuple(labels)
        self._root = root
        self._source = source

    def keep(self, scored: Scored, decision: Decision) -> None:
        """Nothing is written but the table, at the end."""

    def move(self, picture: Picture, decision: Decision) -> None:
        """Nothing lies anywhere."""

    def has(self, picture: Picture) -> bool:
        """Always."""
        del picture
        return True

    def clear(self, pictures: Iterable[Picture], labels: Iterable[str]) -> None:
        """Removes the table."""
        del pictures, labels
        self.out.unlink(missing_ok=True)

    def tidy(self) -> None:
        """The table; other tables of the folder may be being written."""
        remove_parts(self.out.parent, self.out.name)

    @contextmanager
    def tables(self, sorting: Sorting) -> Iterator[Write]:
        """Writes the table."""
        with replaced(self.out) as file:
            put = csv_rows(file, self._labels, sorting) if is_csv(self.out) else json_rows(file)

            def write(picture: Picture, decision: Decision) -> None:
                put(picture_row(picture, decision, self._file(picture)))

            yield write

    def _file(self, picture: Picture) -> str:
        return self._source if self._root is None else str(self._root / picture.item)

    def file_of(self, picture: Picture, decision: Decision) -> Path | None:
        """The picture itself."""
        del decision
        return None if self._root is None else self._root / picture.item
