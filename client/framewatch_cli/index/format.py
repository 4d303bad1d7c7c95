"""What the file formats of indexes have in common."""

from __future__ import annotations

from pathlib import Path

FORMAT = "framewatch-index"
VERSION = 1


class IndexFileError(ValueError):
    """A file that can't be read or written as an index; the message says why and what to do."""


def real_file(path: Path) -> Path:
    """Where an index lies that is named by a symbolic link: it is written, locked and moved as that file."""
    return path.resolve() if path.is_symlink() else path


def no_index(path: Path, why: str) -> IndexFileError:
    """The file is no index."""
    return IndexFileError(f"{path} is no index: {why}; expected a file that framewatch embed --out has written")


def check_format(path: Path, name: object, version: int) -> None:
    """Raises IndexFileError unless the file says that it is an index that this version can read."""
    if name != FORMAT:
        raise no_index(path, f"its format is {name!r}")
    if version > VERSION:
        raise IndexFileError(
            f"{path} is an index of version {version}, and this framewatch reads up to {VERSION}: update framewatch"
        )
