"""An index while it is made: what is kept of the one before it, what is to be embedded, and what has come of that."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path

import numpy as np

from framewatch_client.answers import FloatArray
from framewatch_client.index import Entry, VectorIndex
from framewatch_client.index_sources import FileState, Picture, Refuse, file_state
from framewatch_client.models import Model
from framewatch_client.sources import natural_key


@dataclass(frozen=True, slots=True)
class IndexPlan:
    """What becomes of each file.

    Attributes:
        unchanged: entries of files that are as they were, with their vectors.
        todo: files to be embedded, in natural order.
        changed: those of them that the index had in another state.
        vanished: files that the index had and that are not there any more.
        videos_left_out: because nobody has said how many of their frames are wanted.

    """

    unchanged: dict[Path, tuple[tuple[Entry, ...], FloatArray]]
    todo: tuple[FileState, ...]
    changed: frozenset[Path]
    vanished: frozenset[Path]
    videos_left_out: int = 0

    @property
    def is_idle(self) -> bool:
        """Whether the index is as it should be already."""
        return not (self.todo or self.vanished)


def plan_index(index: VectorIndex | None, named: Sequence[Path], *, fps: float | None, refuse: Refuse) -> IndexPlan:
    """Compares an index with the files as they are now.

    Args:
        index: as it was; None: there was none.
        named: files that are to be in it, besides those that are.
        fps: of videos, how many frames a second; None: videos are left out.
        refuse: told of named files that can't be in an index.

    """
    had = _by_file(index)
    states = {path: file_state(path) for path in {*had, *named}}
    vanished = frozenset(path for path in had if states[path] is None)
    for path in named:
        if states[path] is None and path not in had:
            refuse(path, "the file can't be reached")
    wanted = [state for state in states.values() if state is not None and _is_text(state.path, refuse)]
    videos_left_out = [state for state in wanted if state.is_video and fps is None]
    unchanged = {
        state.path: had[state.path]
        for state in wanted
        if _is_unchanged(state, had.get(state.path), same_fps=index is not None and index.fps == fps)
    }
    todo = [state for state in wanted if state.path not in unchanged and not (state.is_video and fps is None)]
    return IndexPlan(
        unchanged,
        tuple(sorted(todo, key=lambda state: natural_key(state.path))),
        frozenset(state.path for state in todo if state.path in had),
        vanished,
        len(videos_left_out),
    )


def _by_file(index: VectorIndex | None) -> dict[Path, tuple[tuple[Entry, ...], FloatArray]]:
    """Entries and vectors of each file, which lie together."""
    if index is None:
        return {}
    found = {}
    for path, run in groupby(range(len(index.entries)), key=lambda number: index.entries[number].path):
        numbers = list(run)
        rows = slice(numbers[0], numbers[-1] + 1)
        found[path] = (index.entries[rows], index.vectors[rows])
    return found


def _is_text(path: Path, refuse: Refuse) -> bool:
    """Whether the name is text, so that files can hold it."""
    try:
        str(path).encode()
    except UnicodeEncodeError:
        refuse(path, "the name is not UTF-8: rename the file")
        return False
    return True


def _is_unchanged(state: FileState, had: tuple[tuple[Entry, ...], FloatArray] | None, *, same_fps: bool) -> bool:
    if had is None or (state.is_video and not same_fps):
        return False
    entry = had[0][0]
    return (entry.size, entry.mtime_ns) == (state.size, state.mtime_ns)


@dataclass(slots=True)
class _Embedded:
    """Of a file: its pictures by number, and how many there are once that is known."""

    pictures: dict[int, tuple[Entry, FloatArray]] = field(default_factory=dict)
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
        self.refused: set[Path] = set()

    def take(self, picture: Picture, vector: FloatArray) -> None:
        """The vector of a picture, float32 `[dimension]`."""
        file = picture.file
        entry = Entry(file.path, picture.time_s, file.size, file.mtime_ns)
        self._of(picture).pictures[picture.number] = (entry, vector)

    def refuse(self, picture: Picture) -> None:
        """The picture can't be embedded: its file goes without it."""
        self._of(picture).refused += 1
        self.refused.add(picture.file.path)

    def _of(self, picture: Picture) -> _Embedded:
        embedded = self._embedded.setdefault(picture.file.path, _Embedded())
        if picture.is_last:
            embedded.count = picture.number + 1
        return embedded

    @property
    def complete(self) -> frozenset[Path]:
        """Files of which all pictures have their vectors, or were refused."""
        return frozenset(path for path, embedded in self._embedded.items() if embedded.is_complete)

    def index(self) -> VectorIndex:
        """Of the files that are unchanged or complete."""
        files = dict(self._plan.unchanged)
        for path in self.complete:
            pictures = [picture for _, picture in sorted(self._embedded[path].pictures.items())]
            if pictures:
                files[path] = (tuple(entry for entry, _ in pictures), np.stack([vector for _, vector in pictures]))
        return self._joined([files[path] for path in sorted(files, key=natural_key)])

    def _joined(self, files: Iterable[tuple[tuple[Entry, ...], FloatArray]]) -> VectorIndex:
        rows = [np.empty((0, self._model.dimension), np.float32)]
        entries: list[Entry] = []
        for of_file, vectors in files:
            entries.extend(of_file)
            rows.append(vectors)
        return VectorIndex(
            tuple(entries), np.concatenate(rows), self._model.name, self._model.weights_digest, self._fps
        )
