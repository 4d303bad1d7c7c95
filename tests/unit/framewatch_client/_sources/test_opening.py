"""Refusals of sources that can't be opened."""

from __future__ import annotations

from pathlib import Path

import pytest

from framewatch_client import SourceError, open_source, without_password


@pytest.mark.parametrize(
    ("spec", "match"),
    [
        ("missing.mp4", "there is no"),
        ("*.png", "holds no images"),
        ("notes.txt", "can't be read as video"),
        ("", "holds no images"),
    ],
    ids=["missing", "glob without matches", "no video", "folder without images"],
)
def test_sources_that_cannot_be_opened(tmp_path: Path, spec: str, match: str) -> None:
    (tmp_path / "notes.txt").write_text("no video")
    with pytest.raises(SourceError, match=match):
        open_source(str(tmp_path / spec))


def test_camera_that_is_not_there() -> None:
    with pytest.raises(SourceError, match=r"camera 9731 can't be opened.*/dev/video9731"):
        open_source("9731")


@pytest.mark.parametrize("fps", [0.0, -1.0, float("nan"), float("inf")])
def test_fps_must_be_positive(fps: float) -> None:
    with pytest.raises(ValueError, match="expected more than 0"):
        open_source("video.mp4", fps)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("rtsp://user:secret@host:554/a?b=c", "rtsp://user:***@host:554/a?b=c"),
        ("rtsp://user@host/a", "rtsp://user@host/a"),
        ("http://host/a", "http://host/a"),
        ("rtsp://host:554/a@b", "rtsp://host:554/a@b"),
        ("rtsp://[::1]:554/a@b", "rtsp://[::1]:554/a@b"),
        ("rtsp://user:a@b@host/a@b", "rtsp://user:***@host/a@b"),
        ("rtsp://user:sec#ret@host/a", "rtsp://user:***@host/a"),
        ("rtsp://user:sec/ret@host/a", "rtsp://user:***@host/a"),
        ("rtsp://user:sec[ret@host/a", "rtsp://user:***@host/a"),
    ],
)
def test_passwords_are_not_shown(url: str, expected: str) -> None:
    assert without_password(url) == expected
