"""The page of a contact sheet."""

from __future__ import annotations

import os
from pathlib import Path

import cv2
import numpy as np
import pytest

from framewatch_cli.pictures.sheet import (
    THUMBNAIL_HEIGHT,
    THUMBNAIL_WIDTH,
    SheetCell,
    check_sheet,
    read_thumbnail,
    thumbnail,
    write_sheet,
)
from tests.unit.framewatch_cli.pictures.sheet_pages import read_page

NAMES = ["short.jpg", "a" * 300 + "-0042.jpg", "café 日本 🐈.png", '"<script>alert(1)</script>&amp;', "مرحبا.png"]


def test_pictures_and_captions_come_in_order(tmp_path: Path) -> None:
    grey = thumbnail(np.full((30, 40, 3), 200, np.uint8))
    cells = [SheetCell(grey if number % 2 else None, (f"{number}", name)) for number, name in enumerate(NAMES)]
    write_sheet(tmp_path / "a.html", "all <&> pictures", cells)
    title, found = read_page(tmp_path / "a.html")
    assert title == "all <&> pictures"
    assert [cell.lines for cell in found] == [[f"{number}", name] for number, name in enumerate(NAMES)]
    assert [cell.picture is None for cell in found] == [True, False, True, False, True]
    assert [cell.text for cell in found if cell.picture is None] == ["unreadable"] * 3
    assert found[3].alt == NAMES[3]


def test_names_that_are_no_text_are_shown_all_the_same(tmp_path: Path) -> None:
    write_sheet(tmp_path / "a.html", "x", [SheetCell(None, ("a\udc80.png",))])
    assert read_page(tmp_path / "a.html")[1][0].lines == ["a\\udc80.png"]


def test_the_query_is_marked(tmp_path: Path) -> None:
    write_sheet(
        tmp_path / "a.html", "x", [SheetCell(None, ("query",), "words", is_query=True), SheetCell(None, ("1",))]
    )
    query, other = read_page(tmp_path / "a.html")[1]
    assert (query.is_query, query.text, other.is_query) == (True, "words", False)


def test_a_page_can_be_read_at_any_width_and_runs_nothing(tmp_path: Path) -> None:
    write_sheet(tmp_path / "a.html", "x", [])
    page = (tmp_path / "a.html").read_text()
    assert '<meta name="viewport" content="width=device-width' in page
    assert "Content-Security-Policy\" content=\"default-src 'none'" in page
    assert "<script" not in page


@pytest.mark.parametrize(
    ("height", "width", "expected"),
    [
        (100, 400, (80, 320)),
        (40, 10, (40, 10)),
        (1000, 10, (240, 2)),
        (1, 4000, (1, 320)),
        (480, 640, (THUMBNAIL_HEIGHT, THUMBNAIL_WIDTH)),
    ],
    ids=["wide", "small", "high", "a line", "large"],
)
def test_thumbnails_keep_their_shape(height: int, width: int, expected: tuple[int, int]) -> None:
    data = thumbnail(np.full((height, width, 3), (0, 0, 255), np.uint8))
    pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    assert pixels.shape[:2] == expected
    assert pixels.mean(axis=(0, 1)) == pytest.approx([0, 0, 255], abs=4)


def test_what_can_not_be_read_has_no_thumbnail(tmp_path: Path) -> None:
    (tmp_path / "junk.png").write_bytes(b"junk")
    (tmp_path / "empty.png").touch()
    os.mkfifo(tmp_path / "pipe.png")
    for name in ("junk.png", "empty.png", "pipe.png", "missing.png"):
        assert read_thumbnail(tmp_path / name) is None


@pytest.mark.parametrize("name", ["sheet.pdf", "sheet.png", "sheet"])
def test_other_formats_are_refused(name: str) -> None:
    check_sheet(None)
    check_sheet(Path("sheet.HTML"))
    with pytest.raises(ValueError, match=r"the sheet sheet.*: expected a file that ends in \.html"):
        check_sheet(Path(name))
