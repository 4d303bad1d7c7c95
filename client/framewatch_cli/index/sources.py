"""Which files an index is made of, and what they hold."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from framewatch_client import (
    IMAGE_SUFFIXES,
    MAX_MESSAGE_BYTES,
    Frame,
    SourceError,
    encode_jpeg,
    natural_key,
    open_source,
    shrink_image,
)

VIDEO_SUFFIXES = frozenset({".avi", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".webm"})
MAX_FILE_BYTES = MAX_MESSAGE_BYTES - 1024 * 1024
"""What fits in a message to the server, with room for what else is in it."""

FRAME_QUALITY = 95
"""Of the JPEG that frames of videos are sent as."""

_NOT_REGULAR = "it is a pipe, a socket or a device: expected a regular file"

Refuse = Callable[[Path, str], object]
"""Told of a file that is left out, and why."""


@dataclass(frozen=True, slots=True)
class FileState:
    """A file as it is now: one that is written again has another time, if not another size."""

    path: Path
    size: int
    mtime_ns: int

    @property
    def is_video(self) -> bool:
        """Whether its frames are what is embedded."""
        return is_video(self.path)


@dataclass(frozen=True, slots=True)
class Picture:
    """What is to be embedded.

    Attributes:
        file: where it is from.
        time_s: of a video's frame, in seconds; None: the file is a picture.
        data: of a JPEG, PNG or WebP file.
        number: among those of its file, from 0.
        is_last: whether its file has no more.

    """

    file: FileState
    time_s: float | None
    data: bytes
    number: int = 0
    is_last: bool = True


@dataclass(frozen=True, slots=True)
class Found:
    """What there is to make an index of.

    Attributes:
        files: pictures and videos, absolute, in natural order: 2 before 10.
        folders: those that were given, and those of the files that were given, absolute.

    """

    files: tuple[Path, ...] = ()
    folders: frozenset[Path] = frozenset()


def find_files(sources: Iterable[str], refuse: Refuse) -> Found:
    """The pictures and videos among files and, recursively, in folders.

    What begins with a dot is passed over in folders, and links to folders are.

    Args:
        sources: files and folders.
        refuse: told of folders inside them that can't be read.

    Raises:
        SourceError: a source is not there, or there is none in it.
        OSError: it can't be read.

    """
    paths = {source: Path(os.path.abspath(source)) for source in sources}  # noqa: PTH100  resolve() would follow links
    found = {file for source, path in paths.items() for file in _files_of(source, path, refuse)}
    folders = frozenset(path if path.is_dir() else path.parent for path in paths.values())
    return Found(tuple(sorted(found, key=natural_key)), folders)


def _files_of(source: str, path: Path, refuse: Refuse) -> list[Path]:
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        raise SourceError(f"there is no {source}: give folders, pictures or videos") from None
    if stat.S_ISDIR(mode):
        files = [file for file in _walk(path, refuse) if _is_known(file)]
        if not files:
            raise SourceError(f"{source} holds no pictures: none of its files ends in {_suffixes(IMAGE_SUFFIXES)}")
        return files
    if not _is_known(path):
        known = _suffixes(IMAGE_SUFFIXES | VIDEO_SUFFIXES)
        raise SourceError(f"{source} is neither picture nor video: expected a file that ends in {known}")
    if not stat.S_ISREG(mode):
        raise SourceError(f"{source}: {_NOT_REGULAR}")
    return [path]


def _walk(folder: Path, refuse: Refuse) -> Iterator[Path]:
    def unread(error: OSError) -> None:
        if Path(error.filename) == folder:
            raise error
        refuse(Path(error.filename), f"the folder can't be read: {error.strerror}")

    for parent, folders, names in os.walk(folder, onerror=unread):
        folders[:] = [name for name in folders if not name.startswith(".")]
        yield from (Path(parent, name) for name in names if not name.startswith("."))


def _is_known(path: Path) -> bool:
    return path.suffix.lower() in IMAGE_SUFFIXES | VIDEO_SUFFIXES


def _suffixes(suffixes: Iterable[str]) -> str:
    return ", ".join(sorted(suffixes))


def is_video(path: Path) -> bool:
    """Whether a file's frames are what is embedded."""
    return path.suffix.lower() in VIDEO_SUFFIXES


def file_state(path: Path) -> FileState | None:
    """The file as it is now; None: it is not there.

    Raises:
        OSError: it can't be looked at, or is a pipe or a device, which could be read without end.

    """
    try:
        told = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    if stat.S_ISDIR(told.st_mode):
        return None
    if not stat.S_ISREG(told.st_mode):
        raise OSError(errno.EINVAL, _NOT_REGULAR, str(path))
    return FileState(path, told.st_size, told.st_mtime_ns)


def read_pictures(
    files: Sequence[FileState], *, fps: float | None, short_side: int, refuse: Refuse
) -> Iterator[Picture]:
    """The pictures of files, read one by one.

    Args:
        files: pictures and videos.
        fps: of videos, how many frames a second at most; None: all.
        short_side: pixels that the shorter side of a video's frames is shrunk to.
        refuse: told of files that can't be read.

    """
    for file in files:
        try:
            yield from _video_pictures(file, fps, short_side) if file.is_video else [_still(file)]
        except OSError as error:
            refuse(file.path, error.strerror or str(error))
        except SourceError as error:
            refuse(file.path, str(error))


def _still(file: FileState) -> Picture:
    if file.size > MAX_FILE_BYTES:
        raise SourceError(
            f"the file has {file.size / 2**20:.0f} MiB, more than the {MAX_FILE_BYTES // 2**20} MiB that can be sent: "
            "save it smaller"
        )
    data = file.path.read_bytes()
    if not data:
        raise SourceError("the file is empty")
    return Picture(file, None, data)


def _video_pictures(file: FileState, fps: float | None, short_side: int) -> Iterator[Picture]:
    with open_source(str(file.path), fps) as source:
        number = -1
        for number, (frame, is_last) in enumerate(_marking_last(source)):
            pixels = np.asarray(frame.image, dtype=np.uint8)
            data = encode_jpeg(shrink_image(pixels, short_side), FRAME_QUALITY)
            yield Picture(file, frame.time_s, data, number, is_last)
    if number < 0:
        raise SourceError("the video has no frames")


def _marking_last(frames: Iterable[Frame]) -> Iterator[tuple[Frame, bool]]:
    iterator = iter(frames)
    held = next(iterator, None)
    while held is not None:
        following = next(iterator, None)
        yield held, following is None
        held = following
