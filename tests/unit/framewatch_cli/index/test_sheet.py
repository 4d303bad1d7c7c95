"""The contact sheet."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from framewatch_cli.index import sheet
from framewatch_cli.index.sheet import (
    CAPTION_HEIGHT,
    GAP,
    THUMBNAIL_HEIGHT,
    THUMBNAIL_WIDTH,
    check_sheet,
    draw_sheet,
    write_sheet,
)
from framewatch_cli.index.vector_index import Entry


def cell(drawn: np.ndarray, number: int, columns: int) -> np.ndarray:
    """The thumbnail of a cell."""
    row, column = divmod(number, columns)
    top = GAP + row * (THUMBNAIL_HEIGHT + CAPTION_HEIGHT + GAP)
    left = GAP + column * (THUMBNAIL_WIDTH + GAP)
    return drawn[top : top + THUMBNAIL_HEIGHT, left : left + THUMBNAIL_WIDTH]


def write(path: Path, width: int, height: int, colour: tuple[int, int, int]) -> Entry:
    cv2.imwrite(str(path), np.full((height, width, 3), colour, dtype=np.uint8))
    return Entry(path, None, 1, 1)


def test_pictures_are_letterboxed_and_unreadable_ones_empty(tmp_path: Path) -> None:
    wide, high = write(tmp_path / "wide.png", 400, 100, (0, 0, 255)), write(tmp_path / "high.png", 10, 40, (0, 255, 0))
    missing = Entry(tmp_path / "missing.png", None, 1, 1)
    (tmp_path / "junk.png").write_bytes(b"junk")
    junk = Entry(tmp_path / "junk.png", None, 1, 1)
    os.mkfifo(tmp_path / "pipe.png")
    pipe = Entry(tmp_path / "pipe.png", None, 1, 1)
    drawn = draw_sheet("a red thing", [(wide, 0.9), (high, 0.8), (missing, 0.7), (junk, 0.6), (pipe, 0.5)])
    assert drawn.shape == (2 * (THUMBNAIL_HEIGHT + CAPTION_HEIGHT + GAP) + GAP, 3 * (THUMBNAIL_WIDTH + GAP) + GAP, 3)
    first, second = cell(drawn, 1, 3), cell(drawn, 2, 3)
    assert first[90, 120].tolist() == [0, 0, 255]
    assert first[5, 120].tolist() == first[-5, 120].tolist() == [232, 232, 232]
    assert second[90, 120].tolist() == [0, 255, 0]
    assert second[90, 5].tolist() == [232, 232, 232]
    for empty in (cell(drawn, 3, 3), cell(drawn, 4, 3), cell(drawn, 5, 3)):
        assert empty[5, 5].tolist() == [232, 232, 232]
        assert empty.min() < 160, "it says that it is unreadable"


def test_the_query_comes_first(tmp_path: Path) -> None:
    query = write(tmp_path / "query.png", 40, 30, (10, 20, 30))
    assert cell(draw_sheet(query.path, []), 0, 2)[90, 120].tolist() == [10, 20, 30]
    text = cell(draw_sheet("words " * 100, []), 0, 2)
    assert text[90, 20:220].min() < 128, "the words are written"


def test_frames_of_videos(make_video: Callable[..., Path], tmp_path: Path) -> None:
    video = make_video(20, 10.0)
    gone = Entry(tmp_path / "gone.avi", 1.0, 1, 1)
    drawn = draw_sheet("grey", [(Entry(video, 1.5, 1, 1), 0.9), (Entry(video, 0.5, 1, 1), 0.8), (gone, 0.7)])
    assert cell(drawn, 1, 2)[90, 120, 0] == pytest.approx(60, abs=4)
    assert cell(drawn, 2, 2)[90, 120, 0] == pytest.approx(20, abs=4)
    assert cell(drawn, 3, 2)[5, 5].tolist() == [232, 232, 232]


@pytest.mark.parametrize("suffix", ["png", "jpg", "webp"])
def test_formats(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"sheet.{suffix}"
    write_sheet(path, "x", [])
    assert cv2.imread(str(path)).shape[2] == 3


def test_other_formats_are_refused() -> None:
    check_sheet(None)
    with pytest.raises(ValueError, match=r"sheet\.pdf: expected a file that ends in \.jpeg"):
        check_sheet(Path("sheet.pdf"))


def test_a_sheet_has_an_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sheet, "MAX_SHEET_HITS", 3)
    missing = Entry(tmp_path / "missing.png", None, 1, 1)
    assert draw_sheet("x", [(missing, 0.5)] * 50).shape == draw_sheet("x", [(missing, 0.5)] * 3).shape


@pytest.mark.parametrize("name", ["short.jpg", "a" * 200 + "-0042.jpg", ""], ids=["short", "long", "none"])
def test_names_fit(name: str) -> None:
    short = sheet.shortened(name, 200)
    assert cv2.getTextSize(short, cv2.FONT_HERSHEY_SIMPLEX, 0.45, 1)[0][0] <= 200
    assert short == name or short.endswith("0042.jpg")


@pytest.mark.parametrize(("has_all", "expected"), [(True, "café 日"), (False, "cafe ?")], ids=["OpenCV 5", "OpenCV 4"])
def test_letters(has_all: bool, expected: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sheet, "_HAS_ALL_LETTERS", has_all)
    assert sheet._drawable("café 日") == expected
