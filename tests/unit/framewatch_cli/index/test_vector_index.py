"""Searching an index."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from framewatch_cli.index.vector_index import Entry, VectorIndex

AXES = np.array([[1, 0], [0.6, 0.8], [0, 1], [0.6, 0.8]], dtype=np.float32)
X = np.array([1, 0], dtype=np.float32)


def index(vectors: np.ndarray = AXES) -> VectorIndex:
    entries = tuple(Entry(Path(f"/{number}.png"), None, 1, 1) for number in range(len(vectors)))
    return VectorIndex(entries, vectors, "m", "0" * 16)


@pytest.mark.parametrize(
    ("top", "min_score", "expected"),
    [
        (1, -1.0, [0]),
        (2, -1.0, [0, 1]),
        (4, -1.0, [0, 1, 3, 2]),
        (100, -1.0, [0, 1, 3, 2]),
        (100, 0.5, [0, 1, 3]),
        (100, 1.0, [0]),
    ],
    ids=["best", "two", "all", "more than there are", "least score", "only the same"],
)
def test_the_nearest_come_first(top: int, min_score: float, expected: list[int]) -> None:
    assert [hit.number for hit in index().search(X, top=top, min_score=min_score)] == expected


def test_it_finds_what_sorting_finds() -> None:
    noise = np.random.default_rng(0).standard_normal((5000, 16), dtype=np.float32)
    vectors = noise / np.linalg.norm(noise, axis=1, keepdims=True)
    hits = index(vectors).search(vectors[7], top=20)
    assert [hit.number for hit in hits] == np.argsort(-(vectors @ vectors[7]), kind="stable")[:20].tolist()
    assert hits[0].score == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("top", [1, 5, 999, 1001, 2000], ids=lambda top: f"top {top}")
def test_equals_come_in_the_order_of_the_entries(top: int) -> None:
    """Odd sizes: where rows are taken in blocks, the last ones could be rounded otherwise."""
    noise = np.random.default_rng(1).standard_normal((2, 97)).astype(np.float32)
    vector, query = noise / np.linalg.norm(noise, axis=1, keepdims=True)
    hits = index(np.tile(vector, (1001, 1))).search(query, top=top)
    assert [hit.number for hit in hits] == list(range(min(top, 1001)))


def test_equals_at_the_end_of_what_is_wanted() -> None:
    hits = index(AXES[[2, 1, 0, 1, 3, 0]]).search(X, top=3)
    assert [hit.number for hit in hits] == [2, 5, 1]


def test_an_empty_index_finds_nothing() -> None:
    assert index(np.empty((0, 2), np.float32)).search(X, top=3) == []


@pytest.mark.parametrize(
    ("query", "top", "match"),
    [(np.zeros(3, np.float32), 1, r"expected \(2,\)"), (X, 0, "at least 1")],
    ids=["dimension", "top"],
)
def test_what_can_not_be_searched(query: np.ndarray, top: int, match: str) -> None:
    with pytest.raises(ValueError, match=match):
        index().search(query, top=top)


def test_every_entry_has_a_vector() -> None:
    with pytest.raises(ValueError, match="one row for each of 4 entries"):
        VectorIndex(index().entries, AXES[:3], "m", "0")


def test_names(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    assert Entry(tmp_path / "a" / "b.png", None, 1, 1).name == "a/b.png"
    assert Entry(Path("/elsewhere/v.mp4"), 12.5, 1, 1).name == "/elsewhere/v.mp4@12.50s"
