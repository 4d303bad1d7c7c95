"""Where labelled pictures go, and a tree of folders for them that image-folder loaders take."""

from __future__ import annotations

import errno
import json
import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import IO, Literal

from framewatch_cli.labelling.decisions import Decision, Picture, Pile, Sorting, Split, best_labels, decide
from framewatch_cli.labelling.names import folder_names
from framewatch_cli.labelling.scoring import Scored
from framewatch_cli.labelling.writers import (
    Row,
    json_line,
    part_of,
    picture_row,
    remove_parts,
    replaced,
)
from framewatch_client import encode_jpeg

FRAME_QUALITY = 95
"""Of the JPEG that frames are written as."""
PICTURES_FILE = "pictures.jsonl"
LABELS_FILE = "labels.json"
METADATA_FILE = "metadata.jsonl"
UNCERTAIN_FOLDER = Pile.UNCERTAIN.value
_OWN_PREFIX = ".framewatch-label."
LOG_NAME = f"{_OWN_PREFIX}jsonl"
LOCK_NAME = f"{_OWN_PREFIX}lock"

Link = Literal["hard", "symbolic"]
Write = Callable[[Picture, Decision], None]


class LabelStore(ABC):
    """Where labelled pictures go.

    Attributes:
        out: the file or folder.
        log_path: of the log that a later run goes on from.
        lock_path: of the file that keeps other runs away.
        keeps_pictures: whether frames can be seen there.

    """

    out: Path
    log_path: Path
    lock_path: Path
    keeps_pictures: bool

    @abstractmethod
    def keep(self, scored: Scored, decision: Decision) -> None:
        """Puts a picture where it belongs. Raises OSError."""

    @abstractmethod
    def move(self, picture: Picture, decision: Decision) -> None:
        """Puts a picture that was kept where it belongs now. Raises OSError."""

    @abstractmethod
    def clear(self, pictures: Iterable[Picture], labels: Iterable[str]) -> None:
        """Removes what was written of an earlier run with those labels. Raises OSError."""

    @abstractmethod
    def tidy(self) -> None:
        """Removes what a run that was killed left half written. Raises OSError."""

    @abstractmethod
    @contextmanager
    def tables(self, sorting: Sorting) -> Iterator[Write]:
        """Writes what there is of each picture that it is given. A table replaces its old one once it is whole."""

    @abstractmethod
    def has(self, picture: Picture) -> bool:
        """Whether a picture was kept, so far as it is to be."""

    @abstractmethod
    def file_of(self, picture: Picture, decision: Decision) -> Path | None:
        """Where a picture can be seen; None: nowhere, it is a frame that was not written."""

    @property
    def is_foreign(self) -> bool:
        """Whether something else is there that no run has written."""
        if self.log_path.exists() or not self.out.exists():
            return False
        return not self.out.is_dir() or any(not path.name.startswith(_OWN_PREFIX) for path in self.out.iterdir())


class FolderStore(LabelStore):
    """`train/LABEL/…` and `validation/LABEL/…` with the labelled pictures, `uncertain/LABEL/…` with the others."""

    keeps_pictures = True

    def __init__(
        self, out: Path, labels: Iterable[str], root: Path | None, *, link: Link | None = None, metadata: bool = False
    ) -> None:
        """A folder, which is made with the first picture.

        Args:
            out: the folder.
            labels: of all pictures.
            root: the folder that pictures come from; None: they are frames.
            link: how files are linked to; None: they are copied.
            metadata: whether `metadata.jsonl` files are written, with which `datasets` reads scores and not classes.

        """
        self.out = out
        self.log_path, self.lock_path = out / LOG_NAME, out / LOCK_NAME
        self._folders = folder_names(labels)
        self._root = root
        self._link = link
        self._metadata = metadata

    def keep(self, scored: Scored, decision: Decision) -> None:
        """Writes it whole or not at all."""
        target = self._place(scored.picture, decision)
        if target is None or scored.content is None:
            return
        part = part_of(self.out / "picture")
        part.unlink(missing_ok=True)
        self._fill(part, scored)
        target.parent.mkdir(parents=True, exist_ok=True)
        part.replace(target)

    def _fill(self, part: Path, scored: Scored) -> None:
        if scored.path is not None and self._link == "symbolic":
            part.symlink_to(scored.path.resolve())
        elif scored.path is not None and self._link == "hard":
            _link_hard(scored.path, part)
        elif isinstance(scored.content, bytes):
            part.write_bytes(scored.content)
        elif scored.content is not None:
            part.write_bytes(encode_jpeg(scored.content, FRAME_QUALITY))

    def _place(self, picture: Picture, decision: Decision) -> Path | None:
        if not decision.label:
            return None
        return self.out / (decision.split or UNCERTAIN_FOLDER) / self._folders[decision.label] / picture.name

    def move(self, picture: Picture, decision: Decision) -> None:
        """Looks for it everywhere: a run that was to move it may not have come to its end."""
        target = self._place(picture, decision)
        if target is None or os.path.lexists(target):
            return
        for found in self._places(picture):
            target.parent.mkdir(parents=True, exist_ok=True)
            found.replace(target)

    def _places(self, picture: Picture) -> Iterator[Path]:
        """Where it lies: with whatever sorting, its folder is that of a label that is best by one of its scores."""
        for folder in {self._folders[label] for label in best_labels(picture)}:
            for top in (*Split, UNCERTAIN_FOLDER):
                path = self.out / top / folder / picture.name
                if os.path.lexists(path):
                    yield path

    def has(self, picture: Picture) -> bool:
        """Whether it lies anywhere."""
        return not picture.scores or any(self._places(picture))

    def clear(self, pictures: Iterable[Picture], labels: Iterable[str]) -> None:
        """Removes the pictures and tables of an earlier run, and nothing else."""
        earlier = FolderStore(self.out, labels, self._root)
        for picture in pictures:
            for path in earlier._places(picture):
                path.unlink()
        tables = (PICTURES_FILE, LABELS_FILE, *(f"{split}/{METADATA_FILE}" for split in Split))
        for table in tables:
            (self.out / table).unlink(missing_ok=True)
        earlier._remove_empty_folders()

    def tidy(self) -> None:
        """Pictures and tables."""
        for folder in (self.out, *(self.out / split for split in Split)):
            remove_parts(folder)

    def _remove_empty_folders(self) -> None:
        """A class without pictures is an error for torchvision's loader."""
        for top in (*Split, UNCERTAIN_FOLDER):
            for folder in (*self._folders.values(), ""):
                with suppress(OSError):  # it is not empty, or not there
                    (self.out / top / folder).rmdir()

    @contextmanager
    def tables(self, sorting: Sorting) -> Iterator[Write]:
        """Writes `pictures.jsonl`, `labels.json` and, if wanted, the metadata of each split."""
        with ExitStack() as stack:
            file = stack.enter_context(replaced(self.out / PICTURES_FILE))
            metadata = {split: stack.enter_context(self._metadata_file(split)) for split in Split}

            def write(picture: Picture, decision: Decision) -> None:
                place = self._place(picture, decision)
                row = picture_row(picture, decision, "" if place is None else place.relative_to(self.out).as_posix())
                file.write(json_line(row))
                if decision.split is not None and place is not None:
                    metadata[decision.split].write(self._metadata_line(row, place, decision.split))

            yield write
            self._write_labels(sorting)
        self._remove_empty_folders()

    @contextmanager
    def _metadata_file(self, split: Split) -> Iterator[IO[str]]:
        path = self.out / split / METADATA_FILE
        if self._metadata and path.parent.is_dir():
            with replaced(path) as file:
                yield file
            return
        path.unlink(missing_ok=True)
        with open(os.devnull, "w", encoding="utf-8") as nowhere:  # noqa: PTH123  no file
            yield nowhere

    def _metadata_line(self, row: Row, place: Path, split: Split) -> str:
        kept = {name: row[name] for name in row if name not in {"file", "pile", "split", "error"}}
        kept = {name: value for name, value in kept.items() if value is not None}
        return json_line({"file_name": place.relative_to(self.out / split).as_posix(), **kept})

    def _write_labels(self, sorting: Sorting) -> None:
        """Which label a folder is of; classes are numbered as image-folder loaders do it."""
        classes = sorted({path.name for split in Split for path in _folders_in(self.out / split)})
        data = {
            "classes": classes,
            "folders": {folder: label for label, folder in self._folders.items()},
            "score": sorting.score.name.lower(),
            "min_score": sorting.min_score,
            "min_margin": sorting.min_margin,
            "validation_share": sorting.validation_share,
        }
        with replaced(self.out / LABELS_FILE) as file:
            file.write(json.dumps(data, ensure_ascii=False, indent=2) + "\n")

    def file_of(self, picture: Picture, decision: Decision) -> Path | None:
        """The file in the tree."""
        return self._place(picture, decision)


def _folders_in(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if path.is_dir() and any(path.iterdir())] if folder.is_dir() else []


def _link_hard(source: Path, target: Path) -> None:
    try:
        target.hardlink_to(source.resolve())
    except OSError as error:
        if error.errno not in {errno.EXDEV, errno.EPERM}:
            raise
        message = "no hard link can be made to it from the folder of --out: give --link symbolic, or leave --link out"
        raise OSError(error.errno, message, str(source)) from error


def sort_anew(store: LabelStore, pictures: Iterable[Picture], sorting: Sorting) -> int:
    """Puts pictures where other thresholds want them; returns how many there are."""
    count = 0
    for count, picture in enumerate(pictures, 1):  # noqa: B007
        store.move(picture, decide(picture, sorting))
    return count
