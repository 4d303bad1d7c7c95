"""The plan of an update: which files of an index are embedded, kept or dropped, from their states now."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path

from framewatch_cli.index.missing_files import FileStates, duplicates, file_states, gone_sources, real_name
from framewatch_cli.index.sources import FoundFiles
from framewatch_cli.index.vector_index import OUTDATED_NS, Entry, VectorIndex
from framewatch_cli.pictures.folder import FileState, Skip, is_video
from framewatch_client import natural_key
from framewatch_core.arrays import Float32Array

FileVectors = tuple[tuple[Entry, ...], Float32Array]
"""Entries of a file, with their vectors, float32 `[entry count, dimension]`."""


@dataclass(frozen=True, slots=True)
class IndexPlan:
    """Files of an index by their fate.

    Attributes:
        kept: entries of files that stay until new ones replace them.
        todo: files to be embedded, in natural order.
        unchanged: files in the same state as in the index.
        changed: files of `todo` that the index has in another state.
        vanished: files of the index that don't exist any more, or are another name of one that it has.
        unreachable: the reason for each file of the index that can't be reached.
        gone: sources of which no file exists any more, with their files.
        sources: folders that the index is made of.
        videos_left_out: number of videos without a frame rate to embed them with.

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
        """True if the index is up to date."""
        return not (self.todo or self.vanished)

    @property
    def out_of_reach(self) -> int:
        """Number of the index's files that may exist or not."""
        return len(self.unreachable) + sum(map(len, self.gone.values()))


def plan_index(
    index: VectorIndex | None, found: FoundFiles, *, fps: float | None, skip: Skip, drop_missing: bool = False
) -> IndexPlan:
    """Compares an index with the files as they are now.

    Args:
        index: the index before the update; None: there is none.
        found: files that are to be in it, besides those that are.
        fps: limit of frames a second of videos; None: videos are left out.
        skip: called with found files that can't be in an index.
        drop_missing: drop missing files even where no file of a whole source exists.

    """
    earlier = _by_file(index, fps)
    states = file_states({*earlier, *found.files})
    _skip_unreachable(found.files, earlier, states, skip)
    sources = found.folders | _sources_of(index)
    missing = states.missing.intersection(earlier)
    gone = {} if drop_missing else gone_sources(missing, states.there, sources)
    double = _duplicates(earlier, found.files, states)
    vanished = missing.difference(*gone.values()) | double.intersection(earlier)
    kept = {path: of_file for path, of_file in earlier.items() if path not in vanished}
    wanted = [state for path, state in states.there.items() if path not in double and _is_text(path, skip)]
    todo = [state for state in wanted if not _is_unchanged(state, kept.get(state.path))]
    embeddable = [state for state in todo if not (state.is_video and fps is None)]
    return IndexPlan(
        kept=kept,
        todo=tuple(sorted(embeddable, key=lambda state: natural_key(state.path))),
        unchanged=frozenset(state.path for state in wanted) - {state.path for state in todo},
        changed=frozenset(state.path for state in embeddable if state.path in earlier),
        vanished=vanished,
        unreachable={path: why for path, why in states.unreachable.items() if path in earlier},
        gone=gone,
        sources=sources,
        videos_left_out=len(todo) - len(embeddable),
    )


def _by_file(index: VectorIndex | None, fps: float | None) -> dict[Path, FileVectors]:
    """Returns the entries and vectors of each file. Those of videos with another rate than `fps` are outdated."""
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
    """Returns the folders that an index was made of; if it lists none, the innermost one with all of its files."""
    if index is None or not index.entries:
        return frozenset()
    return frozenset(index.sources or [Path(os.path.commonpath([entry.path.parent for entry in index.entries]))])


def _skip_unreachable(found: Sequence[Path], earlier: Collection[Path], states: FileStates, skip: Skip) -> None:
    for path in found:
        if path not in earlier and path not in states.there:
            skip(path, states.unreachable.get(path, "the file can't be reached"))


def _duplicates(earlier: Collection[Path], found: Sequence[Path], states: FileStates) -> frozenset[Path]:
    """Returns further names of files. The name in the index has priority, then the one that is no link."""
    folders: dict[Path, str] = {}
    new = [path for path in found if path not in earlier]
    new.sort(key=lambda path: str(path) != real_name(path, folders))
    return duplicates(path for path in (*earlier, *new) if path in states.there)


def _is_text(path: Path, skip: Skip) -> bool:
    """Returns True if the name is text, so that an index file can hold it."""
    try:
        str(path).encode()
    except UnicodeEncodeError:
        skip(path, "the name is not UTF-8: rename the file")
        return False
    return True


def _is_unchanged(state: FileState, earlier: FileVectors | None) -> bool:
    if earlier is None:
        return False
    entry = earlier[0][0]
    return (entry.size, entry.mtime_ns) == (state.size, state.mtime_ns)
