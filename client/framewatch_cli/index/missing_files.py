"""Files of an index that are missing, out of reach, or there under several names.

A file that does not exist has been removed. Two cases are uncertain, and the index keeps the vectors: none of the files
of a whole source exists, as if it had been moved or unmounted; or a file can't be reached.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from framewatch_cli.pictures.folder import FileState, file_state


@dataclass(frozen=True, slots=True)
class FileStates:
    """States of files.

    Attributes:
        there: the state of each file that exists.
        missing: files that don't exist.
        unreachable: the reason for each file that can't be reached.

    """

    there: Mapping[Path, FileState]
    missing: frozenset[Path]
    unreachable: Mapping[Path, str]


def file_states(paths: Iterable[Path]) -> FileStates:
    """Returns the states of files."""
    there: dict[Path, FileState] = {}
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
            there[path] = state
    return FileStates(there, frozenset(missing), unreachable)


def gone_sources(
    missing: Iterable[Path], there: Iterable[Path], sources: Collection[Path]
) -> dict[Path, frozenset[Path]]:
    """Returns the sources of which no file exists.

    Args:
        missing: files of the index that don't exist.
        there: files that exist.
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


def duplicates(paths: Iterable[Path]) -> frozenset[Path]:
    """Returns the paths that lead, by links, to the same file as an earlier path."""
    folders: dict[Path, str] = {}
    first: set[str] = set()
    found = set()
    for path in paths:
        real = real_name(path, folders)
        (found.add(path) if real in first else first.add(real))
    return frozenset(found)


def real_name(path: Path, folders: dict[Path, str]) -> str:
    """Returns the file's path without links. `folders`: a cache of the folders' paths, which most files share."""
    if path.is_symlink():
        return os.path.realpath(path)
    parent = folders.get(path.parent)
    if parent is None:
        parent = folders[path.parent] = os.path.realpath(path.parent)
    return os.path.join(parent, path.name)  # noqa: PTH118  strings are compared


def kept_notes(gone: Mapping[Path, Collection[Path]], unreachable: Mapping[Path, str]) -> Iterator[tuple[Path, str]]:
    """Yields a note on each folder or file whose vectors an index keeps although it can't be read."""
    for folder, files in gone.items():
        state = (
            f"none of its files in the index is there any more ({len(files):,}), as if it had been moved or unmounted"
        )
        yield folder, f"{state}: their vectors are kept. Bring it back, or drop them with --drop-missing"
    alike: dict[tuple[Path, str], list[Path]] = defaultdict(list)
    for path, why in unreachable.items():
        alike[path.parent, why].append(path)
    for (folder, why), files in alike.items():
        if len(files) == 1:
            yield files[0], f"{why}; the vectors that the index has of it are kept"
        else:
            yield folder, f"{why} ({len(files):,} files); the vectors that the index has of them are kept"
