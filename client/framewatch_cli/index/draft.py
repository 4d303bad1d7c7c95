"""An index while it is made: what is kept of the one before it, and what has been embedded."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from framewatch_cli.index.index import Entry, VectorIndex
from framewatch_cli.index.plan import FileVectors, IndexPlan
from framewatch_cli.index.sources import Picture
from framewatch_client import Model, natural_key
from framewatch_core.arrays import Float32Array


@dataclass(slots=True)
class _Embedded:
    """Of a file: its pictures by number, and how many there are once that is known."""

    pictures: dict[int, tuple[Entry, Float32Array]] = field(default_factory=dict)
    refused: int = 0
    count: int | None = None

    @property
    def is_complete(self) -> bool:
        return self.count == len(self.pictures) + self.refused


class IndexDraft:
    """Collects vectors; at any time gives the index of what is complete, so that a run can be gone on with later."""

    def __init__(self, plan: IndexPlan, model: Model, fps: float | None) -> None:
        """`fps`: of videos, how many frames a second."""
        self._plan = plan
        self._model = model
        self._fps = fps
        self._embedded: dict[Path, _Embedded] = {}

    def take(self, picture: Picture, vector: Float32Array) -> None:
        """The vector of a picture, float32 `[dimension]`."""
        file = picture.file
        entry = Entry(file.path, picture.time_s, file.size, file.mtime_ns)
        self._of(picture).pictures[picture.number] = (entry, vector)

    def refuse(self, picture: Picture) -> None:
        """The picture can't be embedded: its file goes without it."""
        self._of(picture).refused += 1

    def _of(self, picture: Picture) -> _Embedded:
        embedded = self._embedded.setdefault(picture.file.path, _Embedded())
        if picture.is_last:
            embedded.count = picture.number + 1
        return embedded

    @property
    def complete(self) -> frozenset[Path]:
        """Files of which all pictures have their vectors or were refused, but not all were."""
        return frozenset(
            path for path, embedded in self._embedded.items() if embedded.is_complete and embedded.pictures
        )

    def index(self) -> VectorIndex:
        """Of the files that are complete, and of the others what is kept: it is outdated, and yet not lost."""
        files = dict(self._plan.kept)
        for path in self.complete:
            pictures = [picture for _, picture in sorted(self._embedded[path].pictures.items())]
            files[path] = (tuple(entry for entry, _ in pictures), np.stack([vector for _, vector in pictures]))
        return self._joined([files[path] for path in sorted(files, key=natural_key)])

    def _joined(self, files: Iterable[FileVectors]) -> VectorIndex:
        rows = [np.empty((0, self._model.dimension), np.float32)]
        entries: list[Entry] = []
        for of_file, vectors in files:
            entries.extend(of_file)
            rows.append(vectors)
        folders = {
            folder for parent in {entry.path.parent for entry in entries} for folder in (parent, *parent.parents)
        }
        sources = tuple(sorted(self._plan.sources & folders))
        return VectorIndex(
            tuple(entries), np.concatenate(rows), self._model.name, self._model.weights_digest, self._fps, sources
        )
