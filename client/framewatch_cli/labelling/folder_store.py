"""Labelled pictures as a tree of folders that image-folder loaders take."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import IO, Literal

from framewatch_cli.labelling.file_names import folder_names
from framewatch_cli.labelling.rows import Row, json_line, picture_row
from framewatch_cli.labelling.scoring import ScoredPicture
from framewatch_cli.labelling.sorting import Decision, PictureResult, Pile, Sorting, Split, best_labels
from framewatch_cli.labelling.store import LOCK_NAME, LOG_NAME, LabelStore, WriteRow
from framewatch_cli.pictures.atomic import remove_parts, replacing, replacing_text, write_new
from framewatch_cli.pictures.frames import FRAME_QUALITY
from framewatch_cli.pictures.names import checked_below, is_below
from framewatch_client import encode_jpeg

PICTURES_FILE = "pictures.jsonl"
LABELS_FILE = "labels.json"
METADATA_FILE = "metadata.jsonl"
UNCERTAIN_FOLDER = Pile.UNCERTAIN.value
_PICTURE = "picture"

Link = Literal["hard", "symbolic"]


class FolderStore(LabelStore):
    """`train/LABEL/…` and `validation/LABEL/…` with the labelled pictures, `uncertain/LABEL/…` with the others."""

    keeps_pictures = True

    def __init__(
        self, out: Path, labels: Iterable[str], root: Path | None, *, link: Link | None = None, metadata: bool = False
    ) -> None:
        """Takes a folder, which is created with the first picture.

        Args:
            out: the folder.
            labels: of all pictures.
            root: the folder that pictures come from; None: they are frames.
            link: kind of the links to files; None: files are copied.
            metadata: write `metadata.jsonl` files, with which `datasets` reads scores instead of classes.

        """
        self.out = out
        self.log_path, self.lock_path = out / LOG_NAME, out / LOCK_NAME
        self._folders = folder_names(labels)
        self._root = root
        self._link = link
        self._metadata = metadata

    def keep(self, scored: ScoredPicture, decision: Decision) -> None:
        """Writes a picture, or links to it. Raises OSError."""
        target = self.file_of(scored.result, decision)
        if target is None or scored.content is None:
            return
        # the part file lies in the folder itself, where the next run finds it without a search of the whole tree
        with replacing(target, self.out / _PICTURE) as part:
            self._fill(part, scored)
            target.parent.mkdir(parents=True, exist_ok=True)

    def _fill(self, part: Path, scored: ScoredPicture) -> None:
        if scored.path is not None and self._link == "symbolic":
            part.symlink_to(scored.path.resolve())
        elif scored.path is not None and self._link == "hard":
            _link_hard(scored.path, part)
        elif isinstance(scored.content, bytes):
            write_new(part, scored.content)
        elif scored.content is not None:
            write_new(part, encode_jpeg(scored.content, FRAME_QUALITY))

    def _place(self, picture: PictureResult, decision: Decision) -> Path | None:
        """The place by its name alone: the tables of a million pictures look at no files."""
        if not decision.label:
            return None
        return self.out / (decision.split or UNCERTAIN_FOLDER) / self._folders[decision.label] / picture.name

    def move(self, picture: PictureResult, decision: Decision) -> None:
        """Moves a picture from any place, since an earlier run that moved pictures may have been killed."""
        target = self.file_of(picture, decision)
        if target is None or os.path.lexists(target):
            return
        for found in self._places(picture):
            target.parent.mkdir(parents=True, exist_ok=True)
            found.replace(target)

    def _places(self, picture: PictureResult) -> Iterator[Path]:
        """Yields the places of a picture. Every sorting puts it into a folder of one of its best labels.

        Raises LeadsElsewhere if one lies out of the store, behind a link.
        """
        for folder in {self._folders[label] for label in best_labels(picture)}:
            for top in (*Split, UNCERTAIN_FOLDER):
                path = self.out / top / folder / picture.name
                if path.is_symlink() or path.is_file():
                    yield checked_below(path, self.out)

    def has(self, picture: PictureResult) -> bool:
        """Returns True if the picture lies anywhere, or has no scores."""
        return not picture.scores or any(self._places(picture))

    def clear(self, pictures: Iterable[PictureResult], labels: Iterable[str]) -> None:
        """Removes the pictures and tables of an earlier run, and nothing else."""
        earlier = FolderStore(self.out, labels, self._root)
        tables = (PICTURES_FILE, LABELS_FILE, *(f"{split}/{METADATA_FILE}" for split in Split))
        found = [checked_below(self.out / table, self.out) for table in tables]
        found += [path for picture in pictures for path in earlier._places(picture)]
        for path in found:  # only once all are known to be the store's own
            path.unlink(missing_ok=True)
        earlier._remove_empty_folders()

    def remove_parts(self) -> None:
        """Removes the part files of pictures, tables and the log."""
        metadata = (self.out / split / METADATA_FILE for split in Split)
        for path in (self.out / _PICTURE, self.out / PICTURES_FILE, self.out / LABELS_FILE, self.log_path, *metadata):
            remove_parts(path)

    def _remove_empty_folders(self) -> None:
        """Removes folders without pictures: torchvision's loader refuses an empty class."""
        for top in (*Split, UNCERTAIN_FOLDER):
            for folder in (*self._folders.values(), ""):
                path = self.out / top / folder
                if is_below(path, self.out):
                    with suppress(OSError):  # it is not empty, or not there
                        path.rmdir()

    @contextmanager
    def tables(self, sorting: Sorting) -> Iterator[WriteRow]:
        """Writes `pictures.jsonl`, `labels.json` and, if wanted, the metadata of each split."""
        with ExitStack() as stack:
            file = stack.enter_context(replacing_text(self.out / PICTURES_FILE))
            metadata = {split: stack.enter_context(self._metadata_file(split)) for split in Split}

            def write(picture: PictureResult, decision: Decision) -> None:
                place = self._place(picture, decision)
                row = picture_row(picture, decision, "" if place is None else place.relative_to(self.out).as_posix())
                file.write(json_line(row))
                if decision.split is None or place is None:
                    return
                if (rows := metadata[decision.split]) is not None:
                    rows.write(self._metadata_line(row, place, decision.split))

            yield write
            self._write_labels(sorting)
        self._remove_empty_folders()

    @contextmanager
    def _metadata_file(self, split: Split) -> Iterator[IO[str] | None]:
        """Yields the file of a split's metadata; None: there is none to write."""
        path = checked_below(self.out / split / METADATA_FILE, self.out)
        if self._metadata and path.parent.is_dir():
            with replacing_text(path) as file:
                yield file
            return
        path.unlink(missing_ok=True)
        yield None

    def _metadata_line(self, row: Row, place: Path, split: Split) -> str:
        kept = {name: row[name] for name in row if name not in {"file", "pile", "split", "error"}}
        kept = {name: value for name, value in kept.items() if value is not None}
        return json_line({"file_name": place.relative_to(self.out / split).as_posix(), **kept})

    def _write_labels(self, sorting: Sorting) -> None:
        """Writes the label of each folder; classes are numbered as image-folder loaders do it."""
        classes = sorted({path.name for split in Split for path in _folders_in(self.out / split)})
        data = {
            "classes": classes,
            "folders": {folder: label for label, folder in self._folders.items()},
            "score": sorting.score.name.lower(),
            "min_score": sorting.min_score,
            "min_margin": sorting.min_margin,
            "validation_share": sorting.validation_share,
        }
        with replacing_text(self.out / LABELS_FILE) as file:
            file.write(json.dumps(data, ensure_ascii=False, indent=2) + "\n")

    def file_of(self, picture: PictureResult, decision: Decision) -> Path | None:
        """Returns the file in the tree. Raises LeadsElsewhere if a link leads out of it."""
        place = self._place(picture, decision)
        return None if place is None else checked_below(place, self.out)


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
