"""An index under construction: the entries that are kept, and the vectors that were made so far."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from framewatch_cli.index.plan import FileVectors, IndexPlan
from framewatch_cli.index.sources import Picture
from framewatch_cli.index.vector_index import Entry, VectorIndex
from framewatch_client import Model, natural_key
from framewatch_core.arrays import Float32Array


@dataclass(slots=True)
class _FilePictures:
    """Embedded pictures of a file by number, and their count once it is known."""

    pictures: dict[int, tuple[Entry, Float32Array]] = field(default_factory=dict)
    skipped: int = 0
    count: int | None = None

    @property
    def is_complete(self) -> bool:
        return self.count == len(self.pictures) + self.skipped


class IndexBuilder:
    """Collects vectors. At any time it gives an index of the complete files, which a later run can go on with."""

    def __init__(self, plan: IndexPlan, model: Model, fps: float | None) -> None:
        """`fps`: limit of frames a second of videos."""
        self._plan = plan
        self._model = model
        self._fps = fps
        self._embedded: dict[Path, _FilePictures] = {}

    def add(self, picture: Picture, vector: Float32Array) -> None:
        """Adds the vector of a picture, float32 `[dimension]`."""
        file = picture.file
        entry = Entry(file.path, picture.time_s, file.size, file.mtime_ns)
        self._of(picture).pictures[picture.number] = (entry, vector)

    def skip(self, picture: Picture) -> None:
        """Notes that a picture can't be embedded: its file is complete without it."""
        self._of(picture).skipped += 1

    def _of(self, picture: Picture) -> _FilePictures:
        embedded = self._embedded.setdefault(picture.file.path, _FilePictures())
        if picture.is_last:
            embedded.count = picture.number + 1
        return embedded

    @property
    def complete(self) -> frozenset[Path]:
        """Files of which every picture was embedded or skipped, and at least one was embedded."""
        return frozenset(
            path for path, embedded in self._embedded.items() if embedded.is_complete and embedded.pictures
        )

    def index(self) -> VectorIndex:
        """Returns the index of the complete files, and of the others' kept entries, although these are outdated."""
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
