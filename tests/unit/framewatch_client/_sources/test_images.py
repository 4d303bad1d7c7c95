"""Order and times of image files."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from framewatch_client import natural_key, open_source


@pytest.fixture
def folder(tmp_path: Path, picture: np.ndarray) -> Path:
    folder = tmp_path / "pictures"
    folder.mkdir()
    for name in ("10.png", "9.JPG", "a.webp"):
        cv2.imwrite(str(folder / name), picture)
    (folder / "broken.png").write_bytes(b"broken")
    (folder / "notes.txt").write_text("no picture")
    (folder / "folder.png").mkdir()
    return folder


def test_folder_in_natural_order(folder: Path) -> None:
    with open_source(str(folder)) as source:
        assert source.frame_count == 4
        frames = list(source)
    assert [Path(str(frame.image)).name for frame in frames] == ["9.JPG", "10.png", "a.webp", "broken.png"]
    assert [(frame.time_s, frame.frame_id) for frame in frames] == [(0.0, 0), (1.0, 1), (2.0, 2), (3.0, 3)]


def test_fps_of_images_is_how_many_make_a_second(folder: Path) -> None:
    with open_source(str(folder), fps=4) as source:
        assert [frame.time_s for frame in source] == [0.0, 0.25, 0.5, 0.75]


@pytest.mark.parametrize(("pattern", "expected"), [("*.png", ["10.png", "broken.png"]), ("9.JPG", ["9.JPG"])])
def test_glob_and_single_image(folder: Path, pattern: str, expected: list[str]) -> None:
    with open_source(str(folder / pattern)) as source:
        assert [Path(str(frame.image)).name for frame in source] == expected


def test_natural_key() -> None:
    names = ["f10.png", "f9.png", "F1.png", "f1b.png", "10", "9"]
    assert [str(path) for path in sorted(map(Path, names), key=natural_key)] == [
        "9",
        "10",
        "F1.png",
        "f1b.png",
        "f9.png",
        "f10.png",
    ]
