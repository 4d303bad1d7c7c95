"""The contact sheet of a search."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest

from framewatch_cli.index import sheet
from framewatch_cli.index.sheet import write_search_sheet
from framewatch_cli.index.vector_index import Entry
from tests.unit.framewatch_cli.pictures.sheet_pages import PageCell, read_page


def write(path: Path, width: int, height: int, colour: tuple[int, int, int]) -> Entry:
    cv2.imwrite(str(path), np.full((height, width, 3), colour, dtype=np.uint8))
    return Entry(path, None, 1, 1)


@pytest.fixture
def cells(tmp_path: Path) -> Callable[..., list[PageCell]]:
    """Writes a sheet and reads its cells."""

    def written(query: Path | str, hits: Sequence[tuple[Entry, float]]) -> list[PageCell]:
        write_search_sheet(tmp_path / "sheet.html", query, hits)
        return read_page(tmp_path / "sheet.html")[1]

    return written


def test_pictures_come_with_rank_score_and_name_and_unreadable_ones_without_a_picture(
    tmp_path: Path, cells: Callable[..., list[PageCell]]
) -> None:
    wide, high = write(tmp_path / "wide.png", 400, 100, (0, 0, 255)), write(tmp_path / "high.png", 10, 40, (0, 255, 0))
    missing = Entry(tmp_path / "missing.png", None, 1, 1)
    (tmp_path / "junk.png").write_bytes(b"junk")
    junk = Entry(tmp_path / "junk.png", None, 1, 1)
    os.mkfifo(tmp_path / "pipe.png")
    pipe = Entry(tmp_path / "pipe.png", None, 1, 1)
    query, *found = cells("a red thing", [(wide, 0.9), (high, 0.8), (missing, 0.7), (junk, 0.6), (pipe, 0.5)])
    assert query.is_query
    assert found[0].colour == [0, 0, 256]
    assert found[1].colour == [0, 256, 0]
    assert [cell.picture for cell in found[2:]] == [None] * 3
    assert {cell.text for cell in found[2:]} == {"unreadable"}
    assert [cell.lines for cell in found] == [
        ["1 · 0.900", "wide.png"],
        ["2 · 0.800", "high.png"],
        ["3 · 0.700", "missing.png"],
        ["4 · 0.600", "junk.png"],
        ["5 · 0.500", "pipe.png"],
    ]


def test_the_query_comes_first(tmp_path: Path, cells: Callable[..., list[PageCell]]) -> None:
    query = write(tmp_path / "query.png", 40, 30, (16, 24, 32))
    (found,) = cells(query.path, [])
    assert (found.is_query, found.colour, found.lines) == (True, [16, 24, 32], ["query", "query.png"])
    words = "words " * 100
    (found,) = cells(words, [])
    assert (found.is_query, found.text) == (True, words), "the words are written"


def test_frames_of_videos(
    make_video: Callable[..., Path], tmp_path: Path, cells: Callable[..., list[PageCell]]
) -> None:
    video = make_video(20, 10.0)
    gone = Entry(tmp_path / "gone.avi", 1.0, 1, 1)
    _, *found = cells("grey", [(Entry(video, 1.5, 1, 1), 0.9), (Entry(video, 0.5, 1, 1), 0.8), (gone, 0.7)])
    assert found[0].picture.mean() == pytest.approx(60, abs=4)  # type: ignore[union-attr]
    assert found[1].picture.mean() == pytest.approx(20, abs=4)  # type: ignore[union-attr]
    assert found[2].picture is None
    assert found[0].lines == ["1 · 0.900", f"{video.name}@1.50s"]


def test_a_sheet_has_an_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cells: Callable[..., list[PageCell]]
) -> None:
    monkeypatch.setattr(sheet, "MAX_SHEET_HITS", 3)
    missing = Entry(tmp_path / "missing.png", None, 1, 1)
    assert len(cells("x", [(missing, 0.5)] * 50)) == len(cells("x", [(missing, 0.5)] * 3)) == 4
