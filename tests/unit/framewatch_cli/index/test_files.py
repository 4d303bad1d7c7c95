"""Indexes in files: read as written, whole or not at all."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from framewatch_cli.index import npz
from framewatch_cli.index.files import lock_index, read_index, write_index
from framewatch_cli.index.format import IndexFileError
from framewatch_cli.index.vector_index import Entry, VectorIndex
from framewatch_cli.pictures.lock import RunBusy

SUFFIXES = ["npz", "parquet"]


@pytest.fixture(params=SUFFIXES)
def path(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    if request.param == "parquet":
        pytest.importorskip("pyarrow")
    return tmp_path / f"index.{request.param}"


def made(folder: Path, fps: float | None = 2.0) -> VectorIndex:
    entries = (
        Entry(folder / "a é.png", None, 10, 1_700_000_000_123_456_789),
        Entry(folder / "sub" / "v.mp4", 0.0, 20, 2),
        Entry(folder / "sub" / "v.mp4", 0.5, 20, 2),
        Entry(Path("/elsewhere/b.png"), None, 30, 3),
    )
    sources = (folder, folder / "sub", Path("/elsewhere"))
    return VectorIndex(entries, np.eye(4, 3, dtype=np.float32), "org/model", "0123456789abcdef", fps, sources)


def same(one: VectorIndex, other: VectorIndex) -> bool:
    fields = [(i.entries, i.model, i.weights_digest, i.fps, i.sources, i.vectors.dtype) for i in (one, other)]
    return fields[0] == fields[1] and np.array_equal(one.vectors, other.vectors)


@pytest.mark.parametrize("fps", [2.0, None], ids=["fps", "no videos"])
def test_round_trip(path: Path, fps: float | None) -> None:
    index = made(path.parent, fps)
    write_index(path, index)
    assert same(read_index(path), index)
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_an_empty_index(path: Path) -> None:
    empty = VectorIndex((), np.empty((0, 3), np.float32), "m", "0")
    write_index(path, empty)
    assert same(read_index(path), empty)
    assert read_index(path).dimension == 3


def test_index_and_pictures_can_move_together(path: Path, tmp_path: Path) -> None:
    write_index(path, made(tmp_path))
    moved = tmp_path / "moved" / path.name
    moved.parent.mkdir()
    path.rename(moved)
    index = read_index(moved)
    assert index.sources == (moved.parent, moved.parent / "sub", Path("/elsewhere"))
    assert [entry.path for entry in index.entries] == [
        moved.parent / "a é.png",
        moved.parent / "sub" / "v.mp4",
        moved.parent / "sub" / "v.mp4",
        Path("/elsewhere/b.png"),
    ]


def test_what_breaks_off_leaves_the_file_as_it_was(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    index = made(path.parent)
    write_index(path, index)

    def full_disk(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full_disk)
    with pytest.raises(OSError, match="No space"):
        write_index(path, VectorIndex((), np.empty((0, 3), np.float32), "m", "0"))
    assert same(read_index(path), index)
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def arrays(**changed: object) -> dict[str, np.ndarray]:
    header = {"format": "framewatch-index", "version": 1, "model": "m", "weights_digest": "0", "dimension": 1}
    columns = {"fps": np.nan, "paths": ["a"], "times_s": [np.nan], "sizes": [1], "mtimes_ns": [1], "vectors": [[1.0]]}
    return {name: np.array(value) for name, value in {**header, **columns, **changed}.items()}


@pytest.mark.parametrize(
    ("content", "match"),
    [
        (b"", "is no index"),
        (b"junk", "is no index"),
        (arrays(format="other"), "its format is 'other'"),
        (arrays(version=2), "an index of version 2, and this framewatch reads up to 1: update"),
        (arrays(sizes=[]), "is no index"),
        (arrays(vectors=[[1.0], [2.0]]), "one row for each of 1 entries"),
        ({"vectors": np.ones(3)}, "format"),
        (arrays(paths=np.array([{"a": 1}])), "allow_pickle"),
        (arrays(paths=np.frombuffer(b'["a"', np.uint8)), "is no index"),
        (arrays(paths=np.frombuffer(b"[1]", np.uint8)), "is no index"),
        (arrays(paths=np.frombuffer(b'["\xff"]', np.uint8)), "is no index"),
        (arrays(paths=np.frombuffer(b'["a\\u0000b"]', np.uint8)), "is no path"),
        (arrays(paths=np.frombuffer(b"[" * 100_000, np.uint8)), "is no index"),
    ],
    ids=[
        "empty",
        "junk",
        "another format",
        "a later version",
        "columns of unlike lengths",
        "vectors",
        "other arrays",
        "pickle",
        "paths cut off",
        "paths that are none",
        "paths in another encoding",
        "path with a zero byte",
        "nested too deep",
    ],
)
def test_what_is_no_npz_index(tmp_path: Path, content: bytes | dict[str, np.ndarray], match: str) -> None:
    path = tmp_path / "index.npz"
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        np.savez(path, **content)
    with pytest.raises(IndexFileError, match=match):
        read_index(path)


def test_a_cut_off_file(path: Path) -> None:
    write_index(path, made(path.parent))
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(IndexFileError, match="is no index"):
        read_index(path)


def test_another_parquet_file(tmp_path: Path) -> None:
    pa = pytest.importorskip("pyarrow")
    import pyarrow.parquet as pq

    pq.write_table(pa.table({"path": ["a"]}), tmp_path / "other.parquet")
    with pytest.raises(IndexFileError, match="is no index: its format is None"):
        read_index(tmp_path / "other.parquet")


def test_parquet_without_pyarrow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.delitem(sys.modules, "framewatch_cli.index.parquet", raising=False)
    with pytest.raises(IndexFileError, match=r"needs pyarrow: pip install 'framewatch\[parquet\]'"):
        write_index(tmp_path / "index.parquet", made(tmp_path))


@pytest.mark.parametrize("name", ["index.txt", "index"], ids=["suffix", "none"])
def test_other_files(tmp_path: Path, name: str) -> None:
    with pytest.raises(IndexFileError, match=r"ends in \.npz \(numpy\) or \.parquet"):
        read_index(tmp_path / name)


def test_npz_holds_plain_arrays(tmp_path: Path) -> None:
    with (tmp_path / "index.npz").open("wb") as file:
        npz.write(file, made(Path("photos")))
    with np.load(tmp_path / "index.npz", allow_pickle=False) as found:
        assert json.loads(found["paths"].tobytes())[0] == "photos/a é.png"
        assert found["vectors"].dtype == np.float32


def test_one_long_path_costs_no_other_entry(tmp_path: Path) -> None:
    entries = [Entry(tmp_path / f"{number}.png", None, 1, 1) for number in range(2000)]
    sizes = []
    for folder in (tmp_path, tmp_path / ("x" * 200)):
        entries[5] = Entry(folder / "5.png", None, 1, 1)
        write_index(tmp_path / "i.npz", VectorIndex(tuple(entries), np.zeros((2000, 1), np.float32), "m", "0"))
        sizes.append((tmp_path / "i.npz").stat().st_size)
    assert sizes[1] - sizes[0] == 201


def test_paths_as_the_first_indexes_have_them(tmp_path: Path) -> None:
    np.savez(tmp_path / "i.npz", **arrays(paths=["a é.png"]))
    index = read_index(tmp_path / "i.npz")
    assert index.entries == (Entry(tmp_path / "a é.png", None, 1, 1),)
    assert index.sources == ()


def test_an_index_behind_a_link_is_the_file_that_the_link_leads_to(path: Path) -> None:
    real, link = path.parent / "real" / path.name, path
    real.parent.mkdir()
    write_index(real, made(real.parent))
    link.symlink_to(real)
    assert same(read_index(link), made(real.parent))
    with lock_index(link), pytest.raises(RunBusy), lock_index(real):
        pass
    write_index(link, made(real.parent, fps=None))
    assert link.is_symlink()
    assert same(read_index(real), made(real.parent, fps=None))


@pytest.mark.parametrize(
    "header",
    [b"{", b"[1]", b"{}", b'{"format": "framewatch-index", "version": 1, "dimension": 7}'],
    ids=["no JSON", "no object", "nothing", "another dimension"],
)
def test_a_parquet_file_with_another_header_is_no_index(tmp_path: Path, header: bytes) -> None:
    pq = pytest.importorskip("pyarrow.parquet")
    path = tmp_path / "index.parquet"
    write_index(path, made(tmp_path))
    pq.write_table(pq.read_table(path).replace_schema_metadata({b"framewatch-index": header}), path)
    with pytest.raises(IndexFileError, match=r"index\.parquet is no index"):
        read_index(path)
