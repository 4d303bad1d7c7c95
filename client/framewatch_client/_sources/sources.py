"""Frames from video files, folders and globs of images, cameras and URLs.

Video goes through OpenCV. Images of a folder are given as paths: their bytes are sent, so that the server tells of a
broken one and the stream goes on.
"""

from __future__ import annotations

import glob
import math
import re
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self
from urllib.parse import urlsplit

import cv2

from framewatch_client._sources.timing import FrameClock, Thinner
from framewatch_client.errors import SourceError
from framewatch_client.types import Frame
from framewatch_core.stream.messages import OverflowPolicy

IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp"})
DEFAULT_IMAGES_PER_S = 1.0
NETWORK_TIMEOUT_MS = 10_000
CLOSE_GRACE_S = 2.0

_URL = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*://")


class Capture(Protocol):
    """What is used of `cv2.VideoCapture`."""

    def grab(self) -> bool:
        """Takes the next frame without converting it."""

    def retrieve(self) -> tuple[bool, Any]:
        """The frame taken last, BGR."""

    def get(self, property_id: int, /) -> float:
        """A property, 0 if it is not known."""

    def release(self) -> None:
        """Closes it."""


class Source(ABC):
    """Frames with times and numbers, to be iterated once; a context manager that closes it.

    Attributes:
        name: what to call it, without a URL's password.
        frame_count: about how many frames it gives; None: unknown or endless.
        duration_s: about how long it is; None: unknown or endless.
        origin_time: live sources: the wall time of frame time 0; None otherwise.

    """

    name: str
    frame_count: int | None = None
    duration_s: float | None = None
    origin_time: datetime | None = None

    @property
    def is_live(self) -> bool:
        """Whether frames come when they come, so that late ones are worthless."""
        return self.origin_time is not None

    @property
    def overflow(self) -> OverflowPolicy:
        """What suits it: files wait, live sources drop."""
        return OverflowPolicy.DROP_OLDEST if self.is_live else OverflowPolicy.BLOCK

    @abstractmethod
    def __iter__(self) -> Iterator[Frame]:
        """Its frames, in order."""

    def close(self) -> None:  # noqa: B027  images have nothing to release
        """Releases it; from any thread. What is iterating it comes to its end."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


class VideoFile(Source):
    """A video with an end. Frame numbers are those of the file, from 0."""

    def __init__(self, capture: Capture, name: str, fps: float | None = None) -> None:
        """`fps`: frames a second of video time at most; None: all."""
        self.name = name
        self._capture = capture
        self._clock = FrameClock(capture.get(cv2.CAP_PROP_FPS))
        self._thinner = Thinner(fps)
        self._lock = threading.Lock()  # a capture that is released while it reads takes the process with it
        self._closed = False
        told_count = capture.get(cv2.CAP_PROP_FRAME_COUNT)
        if math.isfinite(told_count) and told_count > 0:
            self.frame_count = self._thinner.picked_count(int(told_count), self._clock.fps)
            self.duration_s = told_count / self._clock.fps

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
        """Releases the file once a frame that is being read is."""
        with self._lock:
            self._closed = True
            self._capture.release()


class ImageFiles(Source):
    """Image files, one after the other. Times: index / images_per_s."""

    def __init__(self, paths: Sequence[Path], name: str, images_per_s: float = DEFAULT_IMAGES_PER_S) -> None:
        self.name = name
        self.frame_count = len(paths)
        self.duration_s = len(paths) / images_per_s
        self._paths = paths
        self._images_per_s = images_per_s

    def __iter__(self) -> Iterator[Frame]:
        for index, path in enumerate(self._paths):
            yield Frame(path, index / self._images_per_s, index)


class LiveSource(Source):
    """A camera or a stream: gives the newest frame there is. Frame numbers count those that came, so gaps show.

    Times are those of arrival since it was opened.
    """

    def __init__(
        self, capture: Capture, name: str, fps: float | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """`fps`: frames a second at most; None: all. `clock`: seconds."""
        self.name = name
        self.origin_time = datetime.now(UTC)
        self._capture = capture
        self._thinner = Thinner(fps)
        self._clock = clock
        self._start_s = clock()
        self._changed = threading.Condition()
        self._newest: Frame | None = None
        self._ended = False
        self._closing = False
        self._thread = threading.Thread(target=self._read, name="framewatch-capture", daemon=True)

    def __iter__(self) -> Iterator[Frame]:
        """Its frames until it is closed. Raises SourceError when no more come."""
        self._thread.start()
        while (frame := self._wait()) is not None:
            yield frame
        if not self._closing:
            raise SourceError(f"{self.name} gives no more frames: see whether it still runs, then start again")

    def _wait(self) -> Frame | None:
        with self._changed:
            self._changed.wait_for(lambda: self._newest or self._ended or self._closing)
            frame, self._newest = self._newest, None
            return None if self._closing else frame

    def _read(self) -> None:
        for index in count():
            if self._closing or not self._capture.grab():
                break
            time_s = self._clock() - self._start_s
            if self._thinner.takes(time_s):
                self._keep_newest(index, time_s)
        self._capture.release()
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def _keep_newest(self, index: int, time_s: float) -> None:
        done, image = self._capture.retrieve()
        if done:
            with self._changed:
                self._newest = Frame(image, time_s, index)
                self._changed.notify_all()

    def close(self) -> None:
        """Ends the reading thread; one that hangs in a driver is left behind and releases the capture when it can."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        if self._thread.is_alive():
            self._thread.join(CLOSE_GRACE_S)
        elif not self._ended:
            self._capture.release()


def open_source(spec: str, fps: float | None = None) -> Source:
    """Opens what `spec` names.

    Args:
        spec: a video file, a folder or glob of JPEG, PNG and WebP images (in natural order: 2 before 10), a camera's
            index, or an RTSP or HTTP URL.
        fps: for video, how many frames a second are given at most; for images, how many of them make a second (default
            1).

    Raises:
        SourceError: it can't be opened; says what was tried.
        ValueError: `fps` is not more than 0.

    """
    if fps is not None and not (math.isfinite(fps) and fps > 0):
        raise ValueError(f"fps is {fps:g}: expected more than 0")
    path = Path(spec)
    if is_url(spec):
        return _open_url(spec, fps)
    if spec.isdecimal() and not path.exists():
        return _open_camera(int(spec), fps)
    if path.is_dir():
        return _open_images(sorted(path.iterdir(), key=natural_key), spec, fps)
    if path.suffix.lower() in IMAGE_SUFFIXES and path.is_file():
        return _open_images([path], spec, fps)
    if path.is_file():
        return _open_video(path, fps)
    if glob.has_magic(spec):
        found = map(Path, glob.glob(spec, recursive=True))  # noqa: PTH207  the pattern may be absolute
        return _open_images(sorted(found, key=natural_key), spec, fps)
    raise SourceError(
        f"there is no {spec}: give a video file, a folder or glob of images, a camera's index (such as 0), or an RTSP "
        "or HTTP URL"
    )


def is_url(spec: str) -> bool:
    """Whether `open_source` takes it for a URL."""
    return _URL.match(spec) is not None


def natural_key(path: Path) -> list[tuple[int, int | str]]:
    """Sorts numbers within names by value: frame2 before frame10."""
    parts = re.split(r"(\d+)", str(path).casefold())
    return [(0, int(part)) if part.isdecimal() else (1, part) for part in parts]


def _open_images(paths: Sequence[Path], spec: str, fps: float | None) -> Source:
    images = [path for path in paths if path.suffix.lower() in IMAGE_SUFFIXES and path.is_file()]
    if not images:
        raise SourceError(
            f"{spec} holds no images: {len(paths)} entries were found, none ends in {', '.join(sorted(IMAGE_SUFFIXES))}"
        )
    return ImageFiles(images, spec, fps or DEFAULT_IMAGES_PER_S)


def _open_video(path: Path, fps: float | None) -> Source:
    capture = cv2.VideoCapture(str(path))
    if not capture.isOpened():
        raise SourceError(
            f"{path} can't be read as video: OpenCV knows no such format, or the file is broken or cut off"
        )
    return VideoFile(capture, str(path), fps)


def _open_camera(index: int, fps: float | None) -> Source:
    capture = cv2.VideoCapture(index)
    if not capture.isOpened():
        raise SourceError(
            f"camera {index} can't be opened: see that it is plugged in, that no other program uses it, and that you "
            f"may read /dev/video{index}"
        )
    return LiveSource(capture, f"camera {index}", fps)


def _open_url(url: str, fps: float | None) -> Source:
    timeouts = [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, NETWORK_TIMEOUT_MS, cv2.CAP_PROP_READ_TIMEOUT_MSEC, NETWORK_TIMEOUT_MS]
    capture = cv2.VideoCapture(url, cv2.CAP_FFMPEG, timeouts)
    name = without_password(url)
    if not capture.isOpened():
        raise SourceError(
            f"{name} can't be opened within {NETWORK_TIMEOUT_MS // 1000} s: see that the address, user and password "
            "are right, and that it plays elsewhere, such as in ffplay"
        )
    if capture.get(cv2.CAP_PROP_FRAME_COUNT) > 0:
        return VideoFile(capture, name, fps)
    return LiveSource(capture, name, fps)


def without_password(url: str) -> str:
    """The URL with its password, if any, hidden."""
    parts = urlsplit(url)
    if parts.password is None:
        return url
    user, _, host = parts.netloc.rpartition("@")
    return parts._replace(netloc=f"{user.partition(':')[0]}:***@{host}").geturl()
