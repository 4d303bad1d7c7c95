"""The place where labelled pictures go: a folder (`folder_store`) or a table (`table_store`)."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from framewatch_cli.labelling.scoring import ScoredPicture
from framewatch_cli.labelling.sorting import Decision, PictureResult, Sorting, decide
from framewatch_cli.pictures.atomic import is_part

_OWN_PREFIX = ".framewatch-label."
LOG_NAME = f"{_OWN_PREFIX}jsonl"
LOCK_NAME = f"{_OWN_PREFIX}lock"

WriteRow = Callable[[PictureResult, Decision], None]


class LabelStore(ABC):
    """The place where labelled pictures go.

    Attributes:
        out: the file or folder.
        log_path: of the log that a later run goes on from.
        lock_path: of the file that keeps other runs away.
        keeps_pictures: True if frames are written there.

    """

    out: Path
    log_path: Path
    lock_path: Path
    keeps_pictures: bool

    @abstractmethod
    def keep(self, scored: ScoredPicture, decision: Decision) -> None:
        """Puts a picture where it belongs. Raises OSError."""

    @abstractmethod
    def move(self, picture: PictureResult, decision: Decision) -> None:
        """Puts a picture that was kept where it belongs now. Raises OSError."""

    @abstractmethod
    def clear(self, pictures: Iterable[PictureResult], labels: Iterable[str]) -> None:
        """Removes the output of an earlier run with those pictures and labels. Raises OSError."""

    @abstractmethod
    def remove_parts(self) -> None:
        """Removes the part files of killed runs. Raises OSError."""

    @abstractmethod
    @contextmanager
    def tables(self, sorting: Sorting) -> Iterator[WriteRow]:
        """Yields a function that writes a picture into the tables, which replace the old ones when the block ends."""

    @abstractmethod
    def has(self, picture: PictureResult) -> bool:
        """Returns True if a picture is where `keep` put it, or needs no place."""

    @abstractmethod
    def file_of(self, picture: PictureResult, decision: Decision) -> Path | None:
        """Returns the file that shows a picture; None: it is a frame that was not written."""

    @property
    def is_foreign(self) -> bool:
        """True if there is something else at the place, which no run has written."""
        if self.log_path.exists() or not self.out.exists():
            return False
        return not self.out.is_dir() or not all(map(_is_own, self.out.iterdir()))


def _is_own(path: Path) -> bool:
    return path.name.startswith(_OWN_PREFIX) or is_part(path)


def sort_anew(store: LabelStore, pictures: Iterable[PictureResult], sorting: Sorting) -> None:
    """Puts pictures where other thresholds require them. Raises OSError."""
    for picture in pictures:
        store.move(picture, decide(picture, sorting))
