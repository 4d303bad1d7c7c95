"""Files that are replaced as a whole: readers see the old content or the new one, never a half.

A file is written to a part file beside it, which takes its place once it is complete. An error removes the part file. A
run that is killed leaves it behind, and the next run removes it with `remove_parts`.
"""

from __future__ import annotations

import glob
import hashlib
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, BinaryIO, TextIO

PART_SUFFIX = ".framewatch.part"
MAX_NAME_BYTES = 200
"""Longest name of a file that is part of its part file's name; most systems take names of 255 bytes."""

# a process id would not do: containers that share a folder use the same ones
_PROCESS = secrets.token_hex(4)
_ANY_PROCESS = "[0-9a-f]" * len(_PROCESS)


def part_of(path: Path) -> Path:
    """Returns the part file in which this process writes what takes the place of `path`."""
    return path.with_name(f".{_part_stem(path)}.{_PROCESS}{PART_SUFFIX}")


def _part_stem(path: Path) -> str:
    name = os.fsencode(path.name)
    return path.name if len(name) <= MAX_NAME_BYTES else hashlib.blake2b(name, digest_size=16).hexdigest()


def is_part(path: Path) -> bool:
    """True if the file is a part file of some run."""
    return path.name.startswith(".") and path.name.endswith(PART_SUFFIX)


def remove_parts(path: Path) -> None:
    """Removes the part files that killed runs left of `path`. Raises OSError.

    The caller holds the lock of those that write `path`. Parts of other files in the folder may be other runs' work.
    """
    for part in path.parent.glob(f".{glob.escape(_part_stem(path))}.{_ANY_PROCESS}{PART_SUFFIX}"):
        part.unlink()


@contextmanager
def replacing(path: Path, part: Path | None = None) -> Iterator[Path]:
    """Yields the path of a part file that the block creates; it takes the place of `path` when the block ends well.

    Args:
        path: of the file, whose folder must exist when the block ends.
        part: of the part file, on the same file system; None: beside `path`.

    Raises:
        OSError: the file can't be replaced.

    """
    part = part_of(path) if part is None else part
    part.unlink(missing_ok=True)
    try:
        yield part
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


@contextmanager
def replacing_bytes(path: Path) -> Iterator[BinaryIO]:
    """Yields a binary file that takes the place of `path`, and is on the disk by then. Raises OSError."""
    with replacing(path) as part, part.open("wb") as file:
        yield file
        _sync(file)


@contextmanager
def replacing_text(path: Path) -> Iterator[TextIO]:
    r"""Yields a UTF-8 text file that takes the place of `path`, and is on the disk by then. Raises OSError.

    File names need not be text: what can't be encoded is written as `\udc80`, which JSON reads back.
    """
    with replacing(path) as part, part.open("w", encoding="utf-8", errors="backslashreplace", newline="") as file:
        yield file
        _sync(file)


def _sync(file: IO[bytes] | IO[str]) -> None:
    file.flush()
    os.fsync(file.fileno())


def real_file(path: Path) -> Path:
    """Returns the file that a symbolic link leads to, so that the file is replaced and not the link."""
    return path.resolve() if path.is_symlink() else path
