"""Names that were read from files, and folders that others can write to: nothing leads out of the output's folder."""

from __future__ import annotations

import os
from pathlib import Path, PurePath

MAX_NAME_BYTES = 255
"""Longest name of a file on most systems."""


class LeadsElsewhere(OSError):
    """A folder of the output that is, or lies below, a link to another place; the message states what to do."""


def check_component(name: object) -> str:
    """Returns a file's name. Raises ValueError unless it is one component of a path that can be used as it is."""
    if not isinstance(name, str):
        raise ValueError(f"{type(name).__name__} is no name of a file")  # noqa: TRY004  reported as the others are
    separators = {os.sep, os.altsep, "\0"} - {None}
    if name in {"", ".", ".."} or PurePath(name).name != name or any(each in name for each in separators if each):
        raise ValueError(f"{name[:80]!r} is no name of a file: expected one component of a path")
    if len(os.fsencode(name)) > MAX_NAME_BYTES:
        raise ValueError(f"{name[:80]!r}… is no name of a file: expected at most {MAX_NAME_BYTES} bytes")
    return name


def check_relative(path: object) -> str:
    """Returns a path below some folder. Raises ValueError if it is absolute, or leads out of the folder by `..`."""
    if not isinstance(path, str):
        raise ValueError(f"{type(path).__name__} is no path")  # noqa: TRY004  reported as the others are
    parts = PurePath(path).parts
    if not parts or PurePath(path).is_absolute() or ".." in parts or "\0" in path:
        raise ValueError(f"{path[:80]!r} is no path below a folder: expected one that is relative, without '..'")
    return path


def is_below(path: Path, top: Path) -> bool:
    """Returns True unless a link leads the folder that the path lies in out of `top`. Neither needs to exist."""
    return Path(os.path.realpath(path.parent)).is_relative_to(os.path.realpath(top))


def checked_below(path: Path, top: Path) -> Path:
    """Returns the path. Raises LeadsElsewhere if a link leads its folder out of `top`."""
    if not is_below(path, top):
        raise LeadsElsewhere(
            f"{path.parent} leads out of {top}, by a link: nothing is written, moved or removed there; remove the "
            "link, or give another --out"
        )
    return path
