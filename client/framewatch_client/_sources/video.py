"""Video files as a source."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator
from itertools import count
from typing import Any, Protocol

import cv2

from framewatch_client._sources.source import Source
from framewatch_client._sources.timing import FrameClock, Thinner
from framewatch_client.types import Frame


class Capture(Protocol):
    """The part of `cv2.VideoCapture` that sources use."""

    def grab(self) -> bool:
        """Takes the next frame without converting it; returns False at the end."""

    def retrieve(self) -> tuple[bool, Any]:
        """Returns the frame taken last, BGR, after whether it could be decoded."""

    def get(self, property_id: int, /) -> float:
        """Returns a property; 0 if it is not known."""

    def release(self) -> None:
        """Closes the capture."""


class VideoFile(Source):
    """A video with an end. Frame numbers are those of the file, from 0."""

    def __init__(self, capture: Capture, name: str, fps: float | None = None) -> None:
        """`fps`: frames a second of video time at most; None: all."""
        self.name = name
        self._capture = capture
        self._clock = FrameClock(capture.get(cv2.CAP_PROP_FPS))
        self._thinner = Thinner(fps)
        self._lock = threading.Lock()  # a capture that is released while it reads crashes the process
        self._closed = False
        reported_count = capture.get(cv2.CAP_PROP_FRAME_COUNT)
        if math.isfinite(reported_count) and reported_count > 0:
            self.frame_count = self._thinner.picked_count(int(reported_count), self._clock.fps)
            self.duration_s = reported_count / self._clock.fps

    def __iter__(self) -> Iterator[Frame]:
        for index in count():
            with self._lock:
                if self._closed or not self._capture.grab():
                    return
                frame = self._frame(index)
            if frame is not None:
                yield frame

    def _frame(self, index: int) -> Frame | None:
        time_s = self._clock.time_s(index, self._capture.get(cv2.CAP_PROP_POS_MSEC) / 1000)
        if not self._thinner.takes(time_s):
            return None
        done, image = self._capture.retrieve()
        return Frame(image, time_s, index) if done else None

    def close(self) -> None:
        """Releases the file, after the frame that is being read."""
        with self._lock:
            self._closed = True
            self._capture.release()
