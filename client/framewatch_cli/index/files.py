"""Index files: numpy's .npz, or Parquet for other tools. They are replaced as a whole, by one run at a time."""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import ModuleType

from framewatch_cli.index import npz
from framewatch_cli.index.format import IndexFileError, no_index
from framewatch_cli.index.vector_index import VectorIndex
from framewatch_cli.pictures.atomic import real_file, remove_parts, replacing_bytes
from framewatch_cli.pictures.lock import only_run
from framewatch_core.quoting import quoted

NPZ_SUFFIX = ".npz"
PARQUET_SUFFIX = ".parquet"


def check_suffix(path: Path) -> None:
    """Raises IndexFileError for a file of another format, or of one whose library is not installed."""
    _module_for(path)


def read_index(path: Path) -> VectorIndex:
    """Reads an index; its paths are absolute.

    Raises:
        OSError: the file can't be opened.
        IndexFileError: it is no index, or one of a later version, or its library is not installed.

    """
    path = real_file(path)
    index: VectorIndex = _module_for(path).read(path)
    folder = path.absolute().parent
    for stored in (*(entry.path for entry in index.entries), *index.sources):
        if "\0" in str(stored):
            raise no_index(path, f"{quoted(str(stored))} is no path")
    return _with_paths(index, lambda stored: Path(os.path.normpath(folder / stored)))


def write_index(path: Path, index: VectorIndex) -> None:
    """Writes an index.

    Paths below the index's folder are stored relative to it, so that both can move together; others are absolute.

    Raises:
        OSError: the file can't be written.
        IndexFileError: its suffix is that of another format, or its library is not installed.

    """
    path = real_file(path)
    folder = Path(os.path.normpath(path.absolute())).parent
    stored = _with_paths(index, lambda whole: whole.relative_to(folder) if whole.is_relative_to(folder) else whole)
    module = _module_for(path)
    with replacing_bytes(path) as file:
        module.write(file, stored)


@contextmanager
def lock_index(path: Path) -> Iterator[None]:
    """Keeps other runs from an index while the block runs, by a lock on a hidden file beside it.

    Raises:
        RunBusy: another run is writing the index.
        OSError: the lock file can't be created.

    """
    real = real_file(path)
    busy = (
        f"{path} is being written by another run of framewatch embed: start again when that has ended, or give another "
        "file"
    )
    with only_run(real.with_name(f".{real.name}.lock"), busy):
        remove_parts(real)
        yield


def _with_paths(index: VectorIndex, change: Callable[[Path], Path]) -> VectorIndex:
    entries = tuple(entry._replace(path=change(entry.path)) for entry in index.entries)
    return replace(index, entries=entries, sources=tuple(map(change, index.sources)))


def _module_for(path: Path) -> ModuleType:
    suffix = path.suffix.lower()
    if suffix == NPZ_SUFFIX:
        return npz
    if suffix != PARQUET_SUFFIX:
        raise IndexFileError(
            f"{path}: expected a file that ends in {NPZ_SUFFIX} (numpy) or {PARQUET_SUFFIX} (for other tools)"
        )
    try:
        return importlib.import_module("framewatch_cli.index.parquet")
    except ModuleNotFoundError as error:
        raise IndexFileError(f"{path} needs {error.name}: pip install 'framewatch[parquet]', or use .npz") from error
