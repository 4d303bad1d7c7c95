"""Video files, images, cameras: what they give and how they end."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from framewatch_client import OverflowPolicy, SourceError, open_source
from framewatch_client._sources.sources import LiveSource, natural_key, without_password


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


def test_video_file(make_video: Callable[..., Path]) -> None:
    with open_source(str(make_video(12, 10.0))) as source:
        assert (source.frame_count, source.is_live, source.overflow) == (12, False, OverflowPolicy.BLOCK)
        frames = list(source)
    assert [frame.time_s for frame in frames] == pytest.approx([n / 10 for n in range(12)])
    assert [frame.frame_id for frame in frames] == list(range(12))
    assert [round(np.mean(np.asarray(frame.image))) for frame in frames] == pytest.approx(
        [n * 4 for n in range(12)], abs=2
    )


def test_video_file_thinned(make_video: Callable[..., Path]) -> None:
    with open_source(str(make_video(20, 10.0)), fps=4) as source:
        frames = list(source)
        assert source.frame_count == len(frames) == 8
    assert [frame.frame_id for frame in frames] == [0, 3, 5, 8, 10, 13, 15, 18]


def test_video_closed_while_it_is_read(make_video: Callable[..., Path]) -> None:
    source = open_source(str(make_video(5, 10.0)))
    frames = iter(source)
    next(frames)
    source.close()
    assert list(frames) == []


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
def test_what_cannot_be_opened(tmp_path: Path, spec: str, match: str) -> None:
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
    ],
)
def test_passwords_are_not_shown(url: str, expected: str) -> None:
    assert without_password(url) == expected


class FakeCapture:
    """A camera that gives a frame when told to."""

    def __init__(self, frame_count: int) -> None:
        self.frame_count = frame_count
        self.grabbed = 0
        self.may_grab = threading.Semaphore(0)
        self.has_grabbed = threading.Semaphore(0)
        self.released = threading.Event()

    def grab(self) -> bool:
        self.has_grabbed.release()  # what came before this one is settled
        self.may_grab.acquire()
        self.grabbed += 1
        return self.grabbed <= self.frame_count

    def retrieve(self) -> tuple[bool, np.ndarray]:
        return True, np.full((2, 2, 3), self.grabbed, np.uint8)

    def get(self, property_id: int) -> float:  # noqa: ARG002
        return 0.0

    def release(self) -> None:
        self.released.set()

    def give(self, frame_count: int) -> None:
        """Lets the source have so many frames, and waits until it does."""
        for _ in range(frame_count):
            self.may_grab.release()
            self.has_grabbed.acquire()


@pytest.fixture
def capture() -> FakeCapture:
    return FakeCapture(frame_count=100)


def live(capture: FakeCapture, fps: float | None = None) -> tuple[LiveSource, Iterator[object]]:
    """A live source whose frames come once a second, after its reading thread has begun."""
    seconds = itertools.count()
    source = LiveSource(capture, "camera", fps, clock=lambda: float(next(seconds)))
    capture.may_grab.release()
    frames = iter(source)
    assert next(frames) is not None
    capture.has_grabbed.acquire()
    capture.has_grabbed.acquire()
    return source, frames


def test_live_source_gives_the_newest_frame(capture: FakeCapture) -> None:
    source, frames = live(capture)
    assert source.is_live
    assert source.overflow is OverflowPolicy.DROP_OLDEST
    capture.give(5)
    newest = next(frames)
    assert (newest.frame_id, newest.time_s) == (5, 6.0)  # type: ignore[attr-defined]
    capture.may_grab.release(2)
    source.close()
    assert list(frames) == []
    assert capture.released.is_set()


def test_live_source_thins(capture: FakeCapture) -> None:
    source, frames = live(capture, fps=0.5)
    capture.give(3)
    assert next(frames).frame_id == 2  # type: ignore[attr-defined]
    capture.may_grab.release(2)
    source.close()


def test_live_source_that_breaks_off() -> None:
    capture = FakeCapture(frame_count=1)
    source, frames = live(capture)
    capture.may_grab.release()
    with source, pytest.raises(SourceError, match="camera gives no more frames"):
        next(frames)
    assert capture.released.is_set()


def test_live_source_closed_before_it_is_read(capture: FakeCapture) -> None:
    LiveSource(capture, "camera").close()
    assert capture.released.is_set()
