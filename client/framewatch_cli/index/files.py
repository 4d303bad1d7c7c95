"""Indexes in files: numpy's .npz, or Parquet for other tools. Written whole or not at all."""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import BinaryIO

from framewatch_cli.index import npz as index_npz
from framewatch_cli.index.format import IndexFileError, real_file
from framewatch_cli.index.index import VectorIndex

NPZ_SUFFIX = ".npz"
PARQUET_SUFFIX = ".parquet"


def check_kind(path: Path) -> None:
    """Raises IndexFileError for a file of another kind, or of one whose library is not installed."""
    _module_for(path)


def read_index(path: Path) -> VectorIndex:
    """An index from a file; its paths are absolute.

    Raises:
        OSError: it can't be opened.
        IndexFileError: it is no index, or one of a later version, or what it needs is not installed.

    """
    path = real_file(path)
    index: VectorIndex = _module_for(path).read(path)
    folder = path.absolute().parent
    return _with_paths(index, lambda stored: Path(os.path.normpath(folder / stored)))


def write_index(path: Path, index: VectorIndex) -> None:
    """Writes an index, first to a file beside it, which then takes its place.

    Paths below the index's folder are stored from there, so that both can move together; others as they are.

    Raises:
        OSError: it can't be written.
        IndexFileError: it is to be of another kind, or what it needs is not installed.

    """
    path = real_file(path)
    folder = Path(os.path.normpath(path.absolute())).parent
    stored = _with_paths(index, lambda whole: whole.relative_to(folder) if whole.is_relative_to(folder) else whole)
    with _replacing(path) as file:
        _module_for(path).write(file, stored)


@contextmanager
def _replacing(path: Path) -> Iterator[BinaryIO]:
    """A file that takes the place of `path` when the block ends well, and is gone when not."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with temporary.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _with_paths(index: VectorIndex, change: Callable[[Path], Path]) -> VectorIndex:
    entries = tuple(entry._replace(path=change(entry.path)) for entry in index.entries)
    return replace(index, entries=entries, sources=tuple(map(change, index.sources)))


def _module_for(path: Path) -> ModuleType:
    suffix = path.suffix.lower()
    if suffix == NPZ_SUFFIX:
        return index_npz
    if suffix != PARQUET_SUFFIX:
        raise IndexFileError(
            f"{path}: expected a file that ends in {NPZ_SUFFIX} (numpy) or {PARQUET_SUFFIX} (for other tools)"
        )
    try:
        return importlib.import_module("framewatch_cli.index.parquet")
    except ModuleNotFoundError as error:
        raise IndexFileError(f"{path} needs {error.name}: pip install 'framewatch[parquet]', or use .npz") from error
