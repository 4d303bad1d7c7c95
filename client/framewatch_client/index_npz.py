"""Indexes as numpy's archive of arrays, without pickle. Paths are as they stand in the file."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from framewatch_client.index import Entry, VectorIndex
from framewatch_client.index_format import FORMAT, VERSION, IndexFileError, check_format, no_index


def read(path: Path) -> VectorIndex:
    """The index of a file. Raises OSError, IndexFileError."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            if isinstance(arrays, np.ndarray):
                raise no_index(path, "it has only one array")
            check_format(path, arrays["format"].item(), int(arrays["version"]))
            return _index(arrays)
    except IndexFileError:
        raise
    except KeyError as error:
        raise no_index(path, str(error.args[0])) from error
    except (zipfile.BadZipFile, zlib.error, ValueError, EOFError, AttributeError, TypeError) as error:
        raise no_index(path, str(error)) from error


def _index(arrays: Any) -> VectorIndex:
    columns = (arrays[name].tolist() for name in ("paths", "times_s", "sizes", "mtimes_ns"))
    entries = tuple(
        Entry(Path(path), None if np.isnan(time_s) else time_s, size, mtime_ns)
        for path, time_s, size, mtime_ns in zip(*columns, strict=True)
    )
    fps = float(arrays["fps"])
    vectors: npt.NDArray[np.float32] = arrays["vectors"].astype(np.float32, copy=False)
    model, weights_digest = str(arrays["model"]), str(arrays["weights_digest"])
    return VectorIndex(entries, vectors, model, weights_digest, None if np.isnan(fps) else fps)


def write(file: BinaryIO, index: VectorIndex) -> None:
    """Writes the index. Raises OSError."""
    entries = index.entries
    np.savez(
        file,
        format=np.array(FORMAT),
        version=np.array(VERSION),
        model=np.array(index.model),
        weights_digest=np.array(index.weights_digest),
        dimension=np.array(index.dimension),
        fps=np.array(np.nan if index.fps is None else index.fps),
        paths=np.array([entry.path.as_posix() for entry in entries], dtype=np.str_),
        times_s=np.array([np.nan if entry.time_s is None else entry.time_s for entry in entries], dtype=np.float64),
        sizes=np.array([entry.size for entry in entries], dtype=np.int64),
        mtimes_ns=np.array([entry.mtime_ns for entry in entries], dtype=np.int64),
        vectors=np.ascontiguousarray(index.vectors, dtype=np.float32),
    )
