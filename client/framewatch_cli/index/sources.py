"""The files that an index is made of, and the pictures that they hold."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from framewatch_cli.pictures.faults import fault_text
from framewatch_cli.pictures.folder import (
    NOT_REGULAR,
    VIDEO_SUFFIXES,
    FileState,
    Skip,
    is_picture,
    is_video,
    listed,
    read_picture,
    walk,
)
from framewatch_cli.pictures.frames import FRAME_QUALITY
from framewatch_client import (
    IMAGE_SUFFIXES,
    Frame,
    FramewatchError,
    SourceError,
    encode_jpeg,
    natural_key,
    open_source,
    shrink_image,
)


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture to embed.

    Attributes:
        file: the file that it comes from.
        time_s: of a video's frame, in seconds; None: the file is a picture.
        data: bytes of a JPEG, PNG or WebP file.
        number: among the pictures of its file, from 0.
        is_last: True if it is the last of its file.

    """

    file: FileState
    time_s: float | None
    data: bytes
    number: int = 0
    is_last: bool = True


@dataclass(frozen=True, slots=True)
class FoundFiles:
    """Files to make an index of.

    Attributes:
        files: pictures and videos, absolute, in natural order: 2 before 10.
        folders: the folders that were given, and those of the files that were given, absolute.

    """

    files: tuple[Path, ...] = ()
    folders: frozenset[Path] = frozenset()


def find_files(sources: Iterable[str], skip: Skip) -> FoundFiles:
    """Finds the pictures and videos among files and, recursively, in folders.

    Args:
        sources: files and folders.
        skip: called with the folders inside them that can't be read.

    Raises:
        SourceError: a source does not exist, or holds no pictures.
        OSError: a source can't be read.

    """
    paths = {source: Path(os.path.abspath(source)) for source in sources}  # noqa: PTH100  resolve() would follow links
    found = {file for source, path in paths.items() for file in _files_of(source, path, skip)}
    folders = frozenset(path if path.is_dir() else path.parent for path in paths.values())
    return FoundFiles(tuple(sorted(found, key=natural_key)), folders)


def _files_of(source: str, path: Path, skip: Skip) -> list[Path]:
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        raise SourceError(f"there is no {source}: give folders, pictures or videos") from None
    if stat.S_ISDIR(mode):
        files = [file for file in _files_below(path, skip) if is_picture(file) or is_video(file)]
        if not files:
            raise SourceError(f"{source} holds no pictures: none of its files ends in {listed(IMAGE_SUFFIXES)}")
        return files
    if not (is_picture(path) or is_video(path)):
        known = listed(IMAGE_SUFFIXES | VIDEO_SUFFIXES)
        raise SourceError(f"{source} is neither picture nor video: expected a file that ends in {known}")
    if not stat.S_ISREG(mode):
        raise SourceError(f"{source}: {NOT_REGULAR}")
    return [path]


def _files_below(folder: Path, skip: Skip) -> Iterator[Path]:
    def unreadable(error: OSError) -> None:
        if Path(error.filename) == folder:
            raise error
        skip(Path(error.filename), f"the folder can't be read: {error.strerror}")

    return walk(folder, unreadable)


def read_pictures(files: Sequence[FileState], *, fps: float | None, short_side: int, skip: Skip) -> Iterator[Picture]:
    """Yields the pictures of files, read one by one.

    Args:
        files: pictures and videos.
        fps: limit of frames a second of videos; None: every frame.
        short_side: pixels that the shorter side of a video's frames is shrunk to.
        skip: called with the files that can't be read.

    """
    for file in files:
        try:
            if file.is_video:
                yield from _video_pictures(file, fps, short_side)
            else:
                yield Picture(file, None, read_picture(file.path))
        except (OSError, SourceError, FramewatchError) as error:
            skip(file.path, fault_text(error))


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
