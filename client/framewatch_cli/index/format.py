"""Name and version of the index format, and the errors that the .npz and the Parquet format share."""

from __future__ import annotations

from pathlib import Path

FORMAT = "framewatch-index"
VERSION = 1


class IndexFileError(ValueError):
    """A file that can't be read or written as an index; the message states why and what to do."""


def no_index(path: Path, why: str) -> IndexFileError:
    """Returns the error for a file that is no index."""
    return IndexFileError(f"{path} is no index: {why}; expected a file that framewatch embed --out has written")


def check_format(path: Path, name: object, version: int) -> None:
    """Raises IndexFileError unless the file's format and version are those of an index that can be read here."""
    if name != FORMAT:
        raise no_index(path, f"its format is {name!r}")
    if version > VERSION:
        raise IndexFileError(
            f"{path} is an index of version {version}, and this framewatch reads up to {VERSION}: update framewatch"
        )
