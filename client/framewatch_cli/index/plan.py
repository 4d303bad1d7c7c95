"""What becomes of each file of an index, by comparing it with the files as they are now."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path

from framewatch_cli.index.index import OUTDATED_NS, Entry, VectorIndex
from framewatch_cli.index.reach import Reach, doubles, gone_sources, look_at, real_name
from framewatch_cli.index.sources import FileState, Found, Refuse, is_video
from framewatch_client import natural_key
from framewatch_core.arrays import Float32Array

FileVectors = tuple[tuple[Entry, ...], Float32Array]
"""Entries of a file, with their vectors, float32 `[entry count, dimension]`."""


@dataclass(frozen=True, slots=True)
class IndexPlan:
    """What becomes of each file.

    Attributes:
        kept: what the index has of files, which stays until it is replaced.
        todo: files to be embedded, in natural order.
        unchanged: files that are as they were.
        changed: those of `todo` that the index had in another state.
        vanished: files that the index had and that are not there any more, or lead to another that it has.
        unreachable: files of the index that can't be looked at, and why.
        gone: sources of which nothing is there any more, with their files.
        sources: folders that the index is made of.
        videos_left_out: because nobody has said how many of their frames are wanted.

    """

    kept: Mapping[Path, FileVectors]
    todo: tuple[FileState, ...]
    unchanged: frozenset[Path]
    changed: frozenset[Path]
    vanished: frozenset[Path]
    unreachable: Mapping[Path, str] = field(default_factory=dict)
    gone: Mapping[Path, frozenset[Path]] = field(default_factory=dict)
    sources: frozenset[Path] = frozenset()
    videos_left_out: int = 0

    @property
    def is_idle(self) -> bool:
        """Whether the index is as it should be already."""
        return not (self.todo or self.vanished)

    @property
    def out_of_reach(self) -> int:
        """How many files of the index may be there or not."""
        return len(self.unreachable) + sum(map(len, self.gone.values()))


def plan_index(
    index: VectorIndex | None, found: Found, *, fps: float | None, refuse: Refuse, drop_missing: bool = False
) -> IndexPlan:
    """Compares an index with the files as they are now.

    Args:
        index: as it was; None: there was none.
        found: files that are to be in it, besides those that are.
        fps: of videos, how many frames a second; None: videos are left out.
        refuse: told of named files that can't be in an index.
        drop_missing: whether files that are not there are dropped even where nothing is left of a whole source.

    """
    had = _by_file(index, fps)
    reach = look_at({*had, *found.files})
    _refuse_unreachable(found.files, had, reach, refuse)
    sources = found.folders | _sources_of(index)
    missing = reach.missing.intersection(had)
    gone = {} if drop_missing else gone_sources(missing, reach.states, sources)
    double = _doubles(had, found.files, reach)
    vanished = missing.difference(*gone.values()) | double.intersection(had)
    kept = {path: of_file for path, of_file in had.items() if path not in vanished}
    wanted = [state for path, state in reach.states.items() if path not in double and _is_text(path, refuse)]
    todo = [state for state in wanted if not _is_unchanged(state, kept.get(state.path))]
    embeddable = [state for state in todo if not (state.is_video and fps is None)]
    return IndexPlan(
        kept=kept,
        todo=tuple(sorted(embeddable, key=lambda state: natural_key(state.path))),
        unchanged=frozenset(state.path for state in wanted) - {state.path for state in todo},
        changed=frozenset(state.path for state in embeddable if state.path in had),
        vanished=vanished,
        unreachable={path: why for path, why in reach.unreachable.items() if path in had},
        gone=gone,
        sources=sources,
        videos_left_out=len(todo) - len(embeddable),
    )


def _by_file(index: VectorIndex | None, fps: float | None) -> dict[Path, FileVectors]:
    """Entries and vectors of each file, which lie together. `fps`: that videos are to have; others are outdated."""
    if index is None:
        return {}
    found = {}
    for path, run in groupby(range(len(index.entries)), key=lambda number: index.entries[number].path):
        numbers = list(run)
        rows = slice(numbers[0], numbers[-1] + 1)
        entries = index.entries[rows]
        if index.fps != fps and is_video(path):
            entries = tuple(entry._replace(mtime_ns=OUTDATED_NS) for entry in entries)
        found[path] = (entries, index.vectors[rows])
    return found


def _sources_of(index: VectorIndex | None) -> frozenset[Path]:
    """Folders that an index was made of; that in which all its files lie, if it does not say."""
    if index is None or not index.entries:
        return frozenset()
    return frozenset(index.sources or [Path(os.path.commonpath([entry.path.parent for entry in index.entries]))])


def _refuse_unreachable(named: Sequence[Path], had: Collection[Path], reach: Reach, refuse: Refuse) -> None:
    for path in named:
        if path not in had and path not in reach.states:
            refuse(path, reach.unreachable.get(path, "the file can't be reached"))


def _doubles(had: Collection[Path], named: Sequence[Path], reach: Reach) -> frozenset[Path]:
    """Names of files that have another. The one that the index has goes first, then what is no link."""
    folders: dict[Path, str] = {}
    new = [path for path in named if path not in had]
    new.sort(key=lambda path: str(path) != real_name(path, folders))
    return doubles(path for path in (*had, *new) if path in reach.states)


def _is_text(path: Path, refuse: Refuse) -> bool:
    """Whether the name is text, so that files can hold it."""
    try:
        str(path).encode()
    except UnicodeEncodeError:
        refuse(path, "the name is not UTF-8: rename the file")
        return False
    return True


def _is_unchanged(state: FileState, had: FileVectors | None) -> bool:
    if had is None:
        return False
    entry = had[0][0]
    return (entry.size, entry.mtime_ns) == (state.size, state.mtime_ns)
