"""Files that are replaced as a whole: readers see the old content or the new one, never a half.

A file is written to a part file beside it, which takes its place once it is complete. Its name can't be guessed, and it
is never opened where something lies already, so that others in a shared folder can't plant a link there. An error
removes it. A run that is killed leaves it behind: the next run removes it with `remove_parts` or, where no lock keeps
others away, with `remove_stale_parts`.
"""

from __future__ import annotations

import glob
import hashlib
import os
import re
import secrets
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, BinaryIO, TextIO

PART_SUFFIX = ".framewatch.part"
MAX_NAME_BYTES = 200
"""Longest name of a file that is part of its part file's name; most systems take names of 255 bytes."""
STALE_AFTER_S = 3600.0
"""Seconds without a change after which a part file is no running process's: they write without a pause."""

_TOKEN_BYTES = 8
# earlier versions had tokens of half the length
_TOKEN = re.compile(rf"[0-9a-f]{{8}}|[0-9a-f]{{{2 * _TOKEN_BYTES}}}")


def part_of(path: Path) -> Path:
    """Returns the name of a new part file, in which what takes the place of `path` is written."""
    return path.with_name(f".{_part_stem(path)}.{secrets.token_hex(_TOKEN_BYTES)}{PART_SUFFIX}")


def _part_stem(path: Path) -> str:
    name = os.fsencode(path.name)
    return path.name if len(name) <= MAX_NAME_BYTES else hashlib.blake2b(name, digest_size=16).hexdigest()


def is_part(path: Path) -> bool:
    """True if the file is a part file of some run."""
    return path.name.startswith(".") and path.name.endswith(PART_SUFFIX)


def _parts_of(path: Path) -> Iterator[Path]:
    stem = f".{_part_stem(path)}."
    for part in path.parent.glob(f"{glob.escape(stem)}*{PART_SUFFIX}"):
        if _TOKEN.fullmatch(part.name.removeprefix(stem).removesuffix(PART_SUFFIX)):
            yield part


def remove_parts(path: Path) -> None:
    """Removes the part files that killed runs left of `path`. Raises OSError.

    The caller holds the lock of those that write `path`. Parts of other files in the folder may be other runs' work.
    """
    for part in _parts_of(path):
        part.unlink()


def remove_stale_parts(path: Path) -> None:
    """Removes the part files of `path` that nobody has written to for STALE_AFTER_S: no lock keeps others away.

    Those that can't be removed stay.
    """
    for part in _parts_of(path):
        with suppress(OSError):
            found = part.lstat()
            if stat.S_ISREG(found.st_mode) and time.time() - found.st_mtime > STALE_AFTER_S:
                part.unlink()


@contextmanager
def replacing(path: Path, beside: Path | None = None) -> Iterator[Path]:
    """Yields the path of a part file that the block creates; it takes the place of `path` when the block ends well.

    The block must fail if there is something already: `write_new`, links and the mode "x" do.

    Args:
        path: of the file, whose folder must exist when the block ends.
        beside: a path that the part file is named by and lies beside, on the same file system; None: `path`.

    Raises:
        OSError: the file can't be replaced.

    """
    part = part_of(path if beside is None else beside)
    try:
        yield part
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def write_new(path: Path, data: bytes) -> None:
    """Writes a file that is not there yet. Raises OSError; FileExistsError also where a link lies."""
    with path.open("xb") as file:
        file.write(data)


@contextmanager
def replacing_bytes(path: Path) -> Iterator[BinaryIO]:
    """Yields a binary file that takes the place of `path`, and is on the disk by then. Raises OSError."""
    remove_stale_parts(path)
    with replacing(path) as part, part.open("xb") as file:
        _keep_mode(file, path)
        yield file
        _sync(file)


@contextmanager
def replacing_text(path: Path) -> Iterator[TextIO]:
    r"""Yields a UTF-8 text file that takes the place of `path`, and is on the disk by then. Raises OSError.

    File names need not be text: what can't be encoded is written as `\udc80`, which JSON reads back.
    """
    remove_stale_parts(path)
    with replacing(path) as part, part.open("x", encoding="utf-8", errors="backslashreplace", newline="") as file:
        _keep_mode(file, path)
        yield file
        _sync(file)


def _keep_mode(file: IO[bytes] | IO[str], path: Path) -> None:
    """Gives a new file the permissions of the one that it replaces, which may be for its owner only."""
    with suppress(FileNotFoundError):
        found = path.lstat()
        if stat.S_ISREG(found.st_mode) and hasattr(os, "fchmod"):
            os.fchmod(file.fileno(), stat.S_IMODE(found.st_mode) & 0o777)


def _sync(file: IO[bytes] | IO[str]) -> None:
    file.flush()
    os.fsync(file.fileno())


def real_file(path: Path) -> Path:
    """Returns the file that a symbolic link leads to, so that the file is replaced and not the link."""
    return path.resolve() if path.is_symlink() else path
