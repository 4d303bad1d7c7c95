"""Indexes as numpy's archive of arrays, without pickle.

Paths are JSON in UTF-8, as bytes: an array of strings would give each the room of the longest.
"""

from __future__ import annotations

import json
import zipfile
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from framewatch_cli.index.format import FORMAT, VERSION, IndexFileError, check_format, no_index
from framewatch_cli.index.vector_index import Entry, VectorIndex

_BROKEN = (AttributeError, EOFError, MemoryError, OverflowError, RecursionError, TypeError, ValueError)


def read(path: Path) -> VectorIndex:
    """Reads an index, with its paths as they are stored. Raises OSError, IndexFileError."""
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
    except (zipfile.BadZipFile, zlib.error, *_BROKEN) as error:
        raise no_index(path, str(error)) from error


def _index(arrays: Any) -> VectorIndex:
    columns = (arrays[name].tolist() for name in ("times_s", "sizes", "mtimes_ns"))
    entries = tuple(
        Entry(path, None if np.isnan(time_s) else time_s, size, mtime_ns)
        for path, time_s, size, mtime_ns in zip(_paths(arrays["paths"]), *columns, strict=True)
    )
    sources = tuple(_paths(arrays["sources"])) if "sources" in arrays else ()
    fps = float(arrays["fps"])
    vectors: npt.NDArray[np.float32] = arrays["vectors"].astype(np.float32, copy=False)
    model, weights_digest = str(arrays["model"]), str(arrays["weights_digest"])
    return VectorIndex(entries, vectors, model, weights_digest, None if np.isnan(fps) else fps, sources)


def _paths(array: npt.NDArray[Any]) -> list[Path]:
    """Returns paths from JSON, or from an array of strings: the form in the first indexes."""
    paths = array.tolist() if array.dtype.kind == "U" else json.loads(array.tobytes())
    return [Path(path) for path in paths]


def _packed(paths: Iterable[Path]) -> npt.NDArray[np.uint8]:
    text = json.dumps([path.as_posix() for path in paths], ensure_ascii=False)
    return np.frombuffer(text.encode(), np.uint8)


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
        sources=_packed(index.sources),
        paths=_packed(entry.path for entry in entries),
        times_s=np.array([np.nan if entry.time_s is None else entry.time_s for entry in entries], dtype=np.float64),
        sizes=np.array([entry.size for entry in entries], dtype=np.int64),
        mtimes_ns=np.array([entry.mtime_ns for entry in entries], dtype=np.int64),
        vectors=np.ascontiguousarray(index.vectors, dtype=np.float32),
    )
