"""Frames and ends of live sources."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator

import numpy as np
import pytest

from framewatch_client import Frame, OverflowPolicy, SourceError
from framewatch_client._sources.live import LiveSource


class FakeCapture:
    """A camera that yields a frame on demand."""

    def __init__(self, frame_count: int) -> None:
        self.frame_count = frame_count
        self.grabbed = 0
        self.may_grab = threading.Semaphore(0)
        self.has_grabbed = threading.Semaphore(0)
        self.released = threading.Event()

    def grab(self) -> bool:
        self.has_grabbed.release()  # the frame before this one has been kept
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
        """Yields `frame_count` frames to the source, and waits until it has taken them."""
        for _ in range(frame_count):
            self.may_grab.release()
            self.has_grabbed.acquire()


@pytest.fixture
def capture() -> FakeCapture:
    return FakeCapture(frame_count=100)


def live(capture: FakeCapture, fps: float | None = None) -> tuple[LiveSource, Iterator[Frame]]:
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
    assert (newest.frame_id, newest.time_s) == (5, 6.0)
    capture.may_grab.release(2)
    source.close()
    assert list(frames) == []
    assert capture.released.is_set()


def test_live_source_thins(capture: FakeCapture) -> None:
    source, frames = live(capture, fps=0.5)
    capture.give(3)
    assert next(frames).frame_id == 2
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
