"""Picture files and videos below folders: which there are, their state, and a picture's bytes."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from framewatch_client import IMAGE_SUFFIXES, MAX_MESSAGE_BYTES
from framewatch_core.errors import EmptyImage, ImageTooLarge

VIDEO_SUFFIXES = frozenset({".avi", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".webm"})
MAX_PICTURE_BYTES = MAX_MESSAGE_BYTES - 1024 * 1024
"""Limit of a picture's bytes: a message to the server has other parts too."""

NOT_REGULAR = "it is a pipe, a socket or a device: expected a regular file"

Skip = Callable[[Path, str], object]
"""Called with a file or folder that is left out, and the reason."""


@dataclass(frozen=True, slots=True)
class FileState:
    """A file's size in bytes and time of change in nanoseconds: a file that is written again differs in one of them."""

    path: Path
    size: int
    mtime_ns: int

    @property
    def is_video(self) -> bool:
        """True if the file is a video by its suffix."""
        return is_video(self.path)


def file_state(path: Path) -> FileState | None:
    """Returns the state of a file; None: there is no such file.

    Raises:
        OSError: the file can't be reached, or is a pipe or a device, which could be read without end.

    """
    try:
        found = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    if stat.S_ISDIR(found.st_mode):
        return None
    if not stat.S_ISREG(found.st_mode):
        raise OSError(errno.EINVAL, NOT_REGULAR, str(path))
    return FileState(path, found.st_size, found.st_mtime_ns)


def is_picture(path: Path) -> bool:
    """True if the file is a picture by its suffix."""
    return path.suffix.lower() in IMAGE_SUFFIXES


def is_video(path: Path) -> bool:
    """True if the file is a video by its suffix."""
    return path.suffix.lower() in VIDEO_SUFFIXES


def listed(suffixes: Iterable[str]) -> str:
    """Returns suffixes as a list for messages."""
    return ", ".join(sorted(suffixes))


def walk(folder: Path, unreadable: Callable[[OSError], object], left_out: Path | None = None) -> Iterator[Path]:
    """Yields the files in a folder and in the folders below it.

    Files and folders whose names begin with a dot belong to editors, trash cans or runs of framewatch, and are left
    out. Links to folders are not followed.

    Args:
        folder: where to begin.
        unreadable: called with the error of each folder that can't be read; may raise it.
        left_out: a folder below it that is left out; None: none is.

    """
    # by its real path: the folder may have been given as a link to it
    left_out = None if left_out is None else left_out.resolve()
    for parent, folders, names in os.walk(folder, onerror=unreadable):
        folders[:] = [name for name in folders if not name.startswith(".") and not _is_same(parent, name, left_out)]
        yield from (Path(parent, name) for name in names if not name.startswith("."))


def _is_same(parent: str, name: str, other: Path | None) -> bool:
    return other is not None and name == other.name and Path(parent, name).resolve() == other


def read_picture(path: Path) -> bytes:
    """Returns the bytes of a picture file. A file that is too large is not read at all.

    Raises:
        OSError: the file can't be read.
        EmptyImage, ImageTooLarge: the file has no bytes, or more than a message can hold.

    """
    size = path.stat().st_size
    if size > MAX_PICTURE_BYTES:
        raise ImageTooLarge(
            "bytes of the file (save it smaller)",
            limit="max_message_bytes",
            maximum=MAX_PICTURE_BYTES,
            actual=size,
            field="image",
        )
    data = path.read_bytes()
    if not data:
        raise EmptyImage("the file is empty: expected a JPEG, PNG or WebP file", "image")
    return data
