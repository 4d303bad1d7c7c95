"""The files of an index, and their pictures."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from framewatch_cli.index.sources import FoundFiles, find_files, read_pictures
from framewatch_cli.pictures import folder as picture_folder
from framewatch_cli.pictures.folder import FileState, file_state
from framewatch_client import SourceError
from tests.unit.framewatch_cli.index.test_builder import none_skipped


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    for name in ("10.png", "2.JPG", "sub/deep/1.webp", ".hidden.png", ".thumbs/1.png", "notes.txt", "clip.MP4"):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    return folder


def test_a_folder_gives_what_is_in_it_and_below_it_in_natural_order(folder: Path) -> None:
    expected = ["2.JPG", "10.png", "clip.MP4", "sub/deep/1.webp"]
    assert find_files([str(folder)], none_skipped) == FoundFiles(
        tuple(folder / name for name in expected), frozenset({folder})
    )


def test_sources_may_overlap_and_be_relative(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    found = find_files(["sub", "./sub/../10.png", "sub/deep"], none_skipped)
    assert found.files == (folder / "10.png", folder / "sub" / "deep" / "1.webp")
    assert found.folders == {folder, folder / "sub", folder / "sub" / "deep"}


@pytest.mark.parametrize(
    ("source", "match"),
    [("missing", "there is no missing"), ("notes.txt", "neither picture nor video"), ("none", "holds no pictures")],
    ids=["missing", "another file", "empty folder"],
)
def test_sources_that_are_none(folder: Path, monkeypatch: pytest.MonkeyPatch, source: str, match: str) -> None:
    monkeypatch.chdir(folder)
    (folder / "none").mkdir()
    with pytest.raises(SourceError, match=match):
        find_files([source], none_skipped)


@pytest.fixture
def closed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that can't be read, not even by the user who may read all."""
    closed, scandir = folder / "sub", os.scandir

    def refuse(path: str | Path) -> Any:
        if Path(path) == closed:
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr("os.scandir", refuse)
    return closed


def test_folders_that_can_not_be_read_are_skipped(folder: Path, closed: Path) -> None:
    skipped: dict[Path, str] = {}
    assert [path.name for path in find_files([str(folder)], skipped.__setitem__).files] == [
        "2.JPG",
        "10.png",
        "clip.MP4",
    ]
    assert skipped == {closed: "the folder can't be read: Permission denied"}


def test_a_source_that_can_not_be_read(closed: Path) -> None:
    with pytest.raises(PermissionError):
        find_files([str(closed)], none_skipped)


def test_a_pipe_is_no_source(folder: Path) -> None:
    os.mkfifo(folder / "pipe.jpg")
    with pytest.raises(SourceError, match=r"pipe\.jpg: it is a pipe.*expected a regular file"):
        find_files([str(folder / "pipe.jpg")], none_skipped)


def state(path: Path) -> FileState:
    found = file_state(path)
    assert found is not None
    return found


def test_files_that_can_not_be_read_are_skipped_and_the_others_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make_video: Callable[..., Path]
) -> None:
    monkeypatch.setattr(picture_folder, "MAX_PICTURE_BYTES", 5)
    contents = {
        "1.png": b"good",
        "2.png": b"",
        "3.png": b"too large",
        "4.png": b"gone",
        "5.mp4": b"junk",
        "6.png": b"end",
    }
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    files = [state(tmp_path / name) for name in contents]
    (tmp_path / "4.png").unlink()
    skipped: dict[str, str] = {}
    pictures = read_pictures(files, fps=1, short_side=16, skip=lambda path, why: skipped.update({path.name: why}))
    assert [picture.data for picture in pictures] == [b"good", b"end"]
    assert skipped["2.png"] == "the file is empty: expected a JPEG, PNG or WebP file [EMPTY_IMAGE]"
    assert "9 exceed the limit max_message_bytes of 5 [IMAGE_TOO_LARGE]" in skipped["3.png"]
    assert skipped["4.png"] == "No such file or directory"
    assert "can't be read as video" in skipped["5.mp4"]


@pytest.mark.parametrize(
    ("fps", "times"), [(None, [0, 0.25, 0.5, 0.75, 1]), (2, [0, 0.5, 1])], ids=["all", "two a second"]
)
def test_frames_of_a_video(make_video: Callable[..., Path], fps: float | None, times: list[float]) -> None:
    video = state(make_video(5, 4.0))
    pictures = list(read_pictures([video], fps=fps, short_side=12, skip=lambda *_: None))
    assert [picture.time_s for picture in pictures] == times
    assert [picture.number for picture in pictures] == list(range(len(times)))
    assert [picture.is_last for picture in pictures] == [False] * (len(times) - 1) + [True]
    shown = cv2.imdecode(np.frombuffer(pictures[-1].data, np.uint8), cv2.IMREAD_COLOR)
    assert shown.shape == (12, 16, 3)
