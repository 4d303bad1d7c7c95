"""Refusals of sources that can't be opened."""

from __future__ import annotations

import os
from collections.abc import Callable
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


@pytest.mark.parametrize(
    "spec",
    [
        pytest.param("x" * 5000, id="overlong"),
        pytest.param("a/" * 5000, id="overlong path"),
        pytest.param("*" + "x" * 5000, id="overlong pattern"),
        pytest.param("9" * 5000, id="overlong number"),
        pytest.param("9" * 12, id="number beyond those of cameras"),
        pytest.param("a\0b", id="with a zero byte"),
        pytest.param("a\0b/*", id="pattern with a zero byte"),
        pytest.param("bad\ud800.mp4", id="no text"),
        pytest.param("/dev/null", id="device"),
        pytest.param("rtsp:/user:secret@host", id="URL with one slash"),
        pytest.param("a=rtsp://user:secret@host@9s", id="URL behind something"),
    ],
)
def test_names_that_the_system_refuses(spec: str) -> None:
    with pytest.raises(SourceError) as caught:
        open_source(spec)
    assert caught.value.reason == "SOURCE_FAILED"
    assert len(caught.value.message) < 600
    assert caught.value.message.isprintable()
    assert "secret" not in caught.value.message


def test_a_video_whose_name_is_not_utf_8_is_refused(make_video: Callable[..., Path]) -> None:
    """OpenCV would crash the process."""
    path = make_video(2, 5.0)
    bad = path.with_name(os.fsdecode(b"bad\xff.avi"))
    path.rename(bad)
    with pytest.raises(SourceError, match=r"bad\\udcff\.avi can't be opened: its name is not UTF-8"):
        open_source(str(bad))


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
        ("rtsp://user:sec ret@host/a", "rtsp://user:***@host/a"),
        ("a=rtsp://u:p@h@9s", "a=rtsp://u:***@9s"),
        ("there is no rtsp:/u:p@h: give another", "there is no rtsp:/u:***@h: give another"),
        ("http://a:1/x and rtsp://u:p@h and rtsp://v:q@h.", "http://a:1/x and rtsp://u:***@h and rtsp://v:***@h."),
        ("no server at host:50051, mail me@example.com", "no server at host:50051, mail me@example.com"),
        ("dns:///localhost:50051 (a@b)", "dns:///localhost:50051 (a@b)"),
        ("person=door.mp4@9.2s", "person=door.mp4@9.2s"),
    ],
)
def test_passwords_are_not_shown(url: str, expected: str) -> None:
    assert without_password(url) == expected
