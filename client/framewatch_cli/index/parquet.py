"""Indexes as Parquet, for other tools. Needs pyarrow."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from framewatch_cli.index.format import FORMAT, VERSION, IndexFileError, check_format, no_index
from framewatch_cli.index.vector_index import Entry, VectorIndex

_KEY = FORMAT.encode()


def read(path: Path) -> VectorIndex:
    """Reads an index, with its paths as they are stored. Raises OSError, IndexFileError."""
    try:
        with path.open("rb") as file:
            table = pq.read_table(file)
        header = json.loads((table.schema.metadata or {}).get(_KEY, b"{}"))
        check_format(path, header.get("format"), int(header.get("version", 0)))
        return _index(table, header)
    except IndexFileError:
        raise
    except (pa.ArrowException, AttributeError, KeyError, TypeError, ValueError) as error:
        raise no_index(path, str(error).splitlines()[0]) from error


def _index(table: Any, header: dict[str, Any]) -> VectorIndex:
    columns = (table.column(name).to_pylist() for name in ("path", "time_s", "size", "mtime_ns"))
    entries = tuple(Entry(Path(path), *others) for path, *others in zip(*columns, strict=True))
    flat = table.column("vector").combine_chunks().flatten().to_numpy(zero_copy_only=False)
    vectors = flat.astype(np.float32, copy=False).reshape(len(entries), int(header["dimension"]))
    sources = tuple(Path(path) for path in header.get("sources", ()))
    return VectorIndex(entries, vectors, str(header["model"]), str(header["weights_digest"]), header["fps"], sources)


def write(file: BinaryIO, index: VectorIndex) -> None:
    """Writes the index. Raises OSError."""
    header = {
        "format": FORMAT,
        "version": VERSION,
        "model": index.model,
        "weights_digest": index.weights_digest,
        "dimension": index.dimension,
        "fps": index.fps,
        "sources": [path.as_posix() for path in index.sources],
    }
    schema = pa.schema(
        [
            ("path", pa.string()),
            ("time_s", pa.float64()),
            ("size", pa.int64()),
            ("mtime_ns", pa.int64()),
            ("vector", pa.list_(pa.float32(), index.dimension)),
        ],
        metadata={_KEY: json.dumps(header).encode()},
    )
    entries = index.entries
    flat = pa.array(np.ascontiguousarray(index.vectors, dtype=np.float32).reshape(-1))
    columns = [
        pa.array([entry.path.as_posix() for entry in entries], pa.string()),
        pa.array([entry.time_s for entry in entries], pa.float64()),
        pa.array([entry.size for entry in entries], pa.int64()),
        pa.array([entry.mtime_ns for entry in entries], pa.int64()),
        pa.FixedSizeListArray.from_arrays(flat, index.dimension),
    ]
    pq.write_table(pa.Table.from_arrays(columns, schema=schema), file)
