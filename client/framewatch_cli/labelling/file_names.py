"""Names of folders and files of labelled pictures: safe on every system, and never two the same.

Folders keep their label's characters as far as they can, since image-folder loaders take their names for the classes'.
Other characters are encoded as in URLs, `%2F` for a slash: `urllib.parse.unquote` gives the label back.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from pathlib import PurePath

MAX_NAME_BYTES = 200
"""Limit of a file's or folder's name; most systems take 255."""

_PLAIN = frozenset(" -_.,+()'")
# `datasets` takes a folder at any depth whose name has one of these words in it for a split of the data
_SPLIT_WORD = re.compile(
    r"(?<![^-._ 0-9])(?:train(?:ing)?|valid(?:ation)?|val|dev|test(?:ing)?|eval(?:uation)?)(?![^-._ 0-9])"
)
_DEVICE = re.compile(r"(?:con|prn|aux|nul|(?:com|lpt)[0-9])(?=\.|$)", re.IGNORECASE)


def folder_names(labels: Iterable[str]) -> dict[str, str]:
    """Returns the folder of each label. Folders of labels that differ only in capitals differ in more."""
    names: dict[str, str] = {}
    taken: set[str] = set()
    for label in labels:
        candidates = (_folder_name(label, count) for count in range(len(label) + 1))
        name = next(name for name in candidates if name.casefold() not in taken)
        names[label] = name
        taken.add(name.casefold())
    return names


def _folder_name(label: str, encoded_count: int) -> str:
    """Returns a folder's name. `encoded_count`: number of first characters that are encoded in any case."""
    last_ones = {match.end() - 1 for pattern in (_SPLIT_WORD, _DEVICE) for match in _matches(pattern, label)}
    name = "".join(
        _encode(char) if i < encoded_count or i in last_ones or not _may_stay(char, i, len(label)) else char
        for i, char in enumerate(label)
    )
    return _shortened(name, "", label)


def _matches(pattern: re.Pattern[str], label: str) -> Iterable[re.Match[str]]:
    found = pattern.match(label)
    return ([found] if found else []) if pattern is _DEVICE else pattern.finditer(label)


def _may_stay(char: str, index: int, length: int) -> bool:
    """Returns True for a character that is safe at its place in a name of that length."""
    # a name with a first dot is hidden, `datasets` ignores one with a first underscore, Windows drops dots at the end
    if char.isalnum():
        return True
    is_at_end = index in {0, length - 1}
    return char in _PLAIN and not (is_at_end and char in " ._-")


def _encode(char: str) -> str:
    return "".join(f"%{byte:02X}" for byte in char.encode())


def picture_name(relative: PurePath) -> str:
    """Returns the file name of a picture by its path below its folder: `a/b/c.jpg` becomes `a__b__c.jpg`.

    A path that could be mistaken for another one gets a part of its hash too.
    """
    parts = relative.parts
    name = "__".join(parts)
    ambiguous = any("__" in part or part.strip("_") != part for part in parts) or name.startswith(".")
    stem = name.lstrip(".").removesuffix(relative.suffix)
    if ambiguous:
        stem = f"{stem}-{_hash(str(relative))}"
    return _shortened(stem, relative.suffix, str(relative))


def frame_name(source: str, frame: str) -> str:
    """Returns the file name of a frame of a video, `door-frame000120-4.000s.jpg`.

    Args:
        source: the video's path, or the name of another source.
        frame: number and time of the frame.

    """
    stem = re.sub(r"[^\w-]+", "_", PurePath(source).stem).strip("_") or "video"
    return _shortened(f"{stem}-{frame}", ".jpg", source + frame)


def _shortened(stem: str, suffix: str, whole: str) -> str:
    name = stem + suffix
    if len(_bytes(name)) <= MAX_NAME_BYTES:
        return name
    ending = f"-{_hash(whole)}{suffix}"
    room = MAX_NAME_BYTES - len(_bytes(ending))
    return _bytes(stem)[:room].decode(errors="ignore").rstrip("% ") + ending


def _hash(text: str) -> str:
    return hashlib.blake2b(_bytes(text), digest_size=5).hexdigest()


def _bytes(text: str) -> bytes:
    """Returns the bytes of a name, also of a file's name that is no text."""
    return text.encode(errors="surrogateescape")
