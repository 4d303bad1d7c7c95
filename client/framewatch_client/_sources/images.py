"""Image files as a source. They are given as paths and sent as they are: a broken one fails alone, on the server."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from framewatch_client._sources.source import Source
from framewatch_client.types import Frame

IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp"})
"""Suffixes of the image files that are sent, in lower case."""

DEFAULT_IMAGES_PER_S = 1.0


class ImageFiles(Source):
    """Image files, one after the other. The time of each is its index divided by `images_per_s`."""

    def __init__(self, paths: Sequence[Path], name: str, images_per_s: float = DEFAULT_IMAGES_PER_S) -> None:
        self.name = name
        self.frame_count = len(paths)
        self.duration_s = len(paths) / images_per_s
        self._paths = paths
        self._images_per_s = images_per_s

    def __iter__(self) -> Iterator[Frame]:
        for index, path in enumerate(self._paths):
            yield Frame(path, index / self._images_per_s, index)


def natural_key(path: Path) -> list[tuple[int, int | str]]:
    """Returns a sort key that compares numbers within names by value: frame2 before frame10."""
    parts = re.split(r"(\d+)", str(path).casefold())
    return [(0, int(part)) if part.isdecimal() else (1, part) for part in parts]
