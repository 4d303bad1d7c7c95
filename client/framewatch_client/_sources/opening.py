"""Opening of a source by a file's name, a folder, a glob, a camera's index or a URL. Video goes through OpenCV."""

from __future__ import annotations

import glob
import math
import re
from collections.abc import Sequence
from pathlib import Path

import cv2

from framewatch_client._sources.images import DEFAULT_IMAGES_PER_S, IMAGE_SUFFIXES, ImageFiles, natural_key
from framewatch_client._sources.live import LiveSource
from framewatch_client._sources.source import Source
from framewatch_client._sources.video import VideoFile
from framewatch_client.errors import InvalidValue, SourceError
from framewatch_core.errors import FramewatchError
from framewatch_core.quoting import one_line

NETWORK_TIMEOUT_MS = 10_000
"""The longest wait for a URL to open, and for each of its frames."""

_URL = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*://")

# A port is no password. A password may have characters that should have been encoded: then no such URL can be opened,
# but the message about that must not show it. One slash is a URL that went through a path.
_PASSWORD = re.compile(
    r"((?<![a-z0-9+.-])[a-z][a-z0-9+.-]{1,30}:/{1,3}[^\s:@/?#\[]*):(?!\d*(?:[/?#\s'\"]|\Z))(?:[^\s/?#]*@|\S*@|.*@)",
    re.IGNORECASE,
)


def open_source(spec: str, fps: float | None = None) -> Source:
    """Opens a source of frames.

    Args:
        spec: a video file, a folder or glob of JPEG, PNG and WebP images (in natural order: 2 before 10), a camera's
            index, or an RTSP or HTTP URL.
        fps: of video, how many frames a second are yielded at most; of images, how many of them make a second (default
            1).

    Raises:
        SourceError: it can't be opened; the message states what was tried. OSError and ValueError of a name that the
            system refuses are its cause.
        InvalidValue: `fps` is not more than 0.

    """
    if fps is not None and not (math.isfinite(fps) and fps > 0):
        raise InvalidValue(f"fps is {fps:g}: expected more than 0")
    try:
        return _open(spec, fps)
    except (OSError, ValueError, cv2.error) as error:
        if isinstance(error, FramewatchError):
            raise
        why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise SourceError(f"{_shown(spec)} can't be opened: {one_line(why)}; give another name or place") from error


def _open(spec: str, fps: float | None) -> Source:
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
        f"there is no {_shown(spec)}: give a video file, a folder or glob of images, a camera's index (such as 0), or "
        "an RTSP or HTTP URL"
    )


def is_url(spec: str) -> bool:
    """Returns True if `open_source` takes `spec` for a URL."""
    return _URL.match(spec) is not None


def without_password(text: str) -> str:
    """Returns a URL, or a text with URLs in it, with the passwords in them hidden."""
    return _PASSWORD.sub(r"\1:***@", text)


def _shown(spec: str) -> str:
    return one_line(without_password(spec))


def _open_images(paths: Sequence[Path], spec: str, fps: float | None) -> Source:
    images = [path for path in paths if path.suffix.lower() in IMAGE_SUFFIXES and path.is_file()]
    if not images:
        raise SourceError(
            f"{_shown(spec)} holds no images: {len(paths)} entries were found, none ends in "
            f"{', '.join(sorted(IMAGE_SUFFIXES))}"
        )
    return ImageFiles(images, spec, fps or DEFAULT_IMAGES_PER_S)


def _open_video(path: Path, fps: float | None) -> Source:
    try:
        str(path).encode()
    except UnicodeEncodeError:
        # OpenCV would crash the process
        raise SourceError(f"{_shown(str(path))} can't be opened: its name is not UTF-8; rename the file") from None
    capture = cv2.VideoCapture(str(path))
    if not capture.isOpened():
        raise SourceError(
            f"{_shown(str(path))} can't be read as video: OpenCV knows no such format, or the file is broken or cut off"
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
    name = _shown(url)
    if not capture.isOpened():
        raise SourceError(
            f"{name} can't be opened within {NETWORK_TIMEOUT_MS // 1000} s: see that the address, user and password "
            "are right, and that it plays elsewhere, such as in ffplay"
        )
    if capture.get(cv2.CAP_PROP_FRAME_COUNT) > 0:
        return VideoFile(capture, name, fps)
    return LiveSource(capture, name, fps)
