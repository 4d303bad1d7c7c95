"""Which of an index's files are there, which are not, and of which nobody knows.

A file that is not there has been removed. But where nothing is left of a whole source, as if it had been moved or
unmounted, and where a file can't be looked at, nothing is known.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from framewatch_cli.index.sources import FileState, file_state


@dataclass(frozen=True, slots=True)
class Reach:
    """Files that were looked at.

    Attributes:
        states: those that are there.
        missing: those that are not there.
        unreachable: those that can't be looked at, and why.

    """

    states: Mapping[Path, FileState]
    missing: frozenset[Path]
    unreachable: Mapping[Path, str]


def look_at(paths: Iterable[Path]) -> Reach:
    """Looks at files."""
    states: dict[Path, FileState] = {}
    missing: set[Path] = set()
    unreachable: dict[Path, str] = {}
    for path in paths:
        try:
            state = file_state(path)
        except OSError as error:
            unreachable[path] = error.strerror or str(error)
            continue
        if state is None:
            missing.add(path)
        else:
            states[path] = state
    return Reach(states, frozenset(missing), unreachable)


def gone_sources(
    missing: Iterable[Path], there: Iterable[Path], sources: Collection[Path]
) -> dict[Path, frozenset[Path]]:
    """Sources in which none of the files is there.

    Args:
        missing: files of the index that are not there.
        there: files that are.
        sources: folders.

    Returns:
        The outermost such folders, with the missing files below each.

    """
    folders = {path.parent for path in there}
    alive = {source for folder in folders for source in (folder, *folder.parents) if source in sources}
    gone: dict[Path, set[Path]] = defaultdict(set)
    for path in missing:
        outermost = next(
            (folder for folder in reversed(path.parents) if folder in sources and folder not in alive), None
        )
        if outermost is not None:
            gone[outermost].add(path)
    return {folder: frozenset(files) for folder, files in gone.items()}


def doubles(paths: Iterable[Path]) -> frozenset[Path]:
    """Those that lead to the same file as one before them, by links."""
    folders: dict[Path, str] = {}
    seen: set[str] = set()
    found = set()
    for path in paths:
        real = real_name(path, folders)
        (found.add(path) if real in seen else seen.add(real))
    return frozenset(found)


def real_name(path: Path, folders: dict[Path, str]) -> str:
    """The file's name without links. `folders`: remembers those of folders, which most files share."""
    if path.is_symlink():
        return os.path.realpath(path)
    parent = folders.get(path.parent)
    if parent is None:
        parent = folders[path.parent] = os.path.realpath(path.parent)
    return os.path.join(parent, path.name)  # noqa: PTH118  strings are compared


def kept_notes(gone: Mapping[Path, Collection[Path]], unreachable: Mapping[Path, str]) -> Iterator[tuple[Path, str]]:
    """What to tell of files whose vectors an index keeps, with what it is about: a folder, or a single file."""
    for folder, files in gone.items():
        what = (
            f"none of its files in the index is there any more ({len(files):,}), as if it had been moved or unmounted"
        )
        yield folder, f"{what}: their vectors are kept. Bring it back, or drop them with --drop-missing"
    alike: dict[tuple[Path, str], list[Path]] = defaultdict(list)
    for path, why in unreachable.items():
        alike[path.parent, why].append(path)
    for (folder, why), files in alike.items():
        if len(files) == 1:
            yield files[0], f"{why}; the vectors that the index has of it are kept"
        else:
            yield folder, f"{why} ({len(files):,} files); the vectors that the index has of them are kept"
