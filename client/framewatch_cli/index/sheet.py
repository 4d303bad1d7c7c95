"""The contact sheet of a search: the query and the pictures that were found for it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from framewatch_cli.index.vector_index import Entry
from framewatch_cli.pictures.frames import frames_at
from framewatch_cli.pictures.sheet import SheetCell, read_thumbnail, thumbnail, write_sheet
from framewatch_client import SourceError
from framewatch_core.time import NS_PER_S

MAX_SHEET_HITS = 200


def write_search_sheet(path: Path, query: Path | str, hits: Sequence[tuple[Entry, float]]) -> None:
    """Writes a page with the query and the first MAX_SHEET_HITS hits. Raises OSError.

    Args:
        path: of the page.
        query: a picture's file, or a text.
        hits: pictures with their scores, best first.

    """
    write_sheet(path, f"search for {query}", _cells(query, hits[:MAX_SHEET_HITS]))


def _cells(query: Path | str, hits: Sequence[tuple[Entry, float]]) -> Iterator[SheetCell]:
    if isinstance(query, Path):
        yield SheetCell(read_thumbnail(query), ("query", query.name), is_query=True)
    else:
        yield SheetCell(None, ("query",), text=query, is_query=True)
    frames = _frame_thumbnails([entry for entry, _ in hits])
    for rank, (entry, score) in enumerate(hits, 1):
        picture = _thumbnail_of(entry, frames)
        yield SheetCell(picture, (f"{rank} · {score:.3f}", entry.named(entry.path.name)))


def _thumbnail_of(entry: Entry, frames: Mapping[Entry, bytes]) -> bytes | None:
    return read_thumbnail(entry.path) if entry.time_s is None else frames.get(entry)


def _frame_thumbnails(entries: Sequence[Entry]) -> dict[Entry, bytes]:
    """Returns thumbnails of frames, with each video read once. Frames of a video that can't be read are left out."""
    found: dict[Entry, bytes] = {}
    for path in {entry.path for entry in entries if entry.time_s is not None}:
        wanted = [entry for entry in entries if entry.path == path]
        with suppress(SourceError):
            frames = frames_at(str(path), [round((entry.time_s or 0.0) * NS_PER_S) for entry in wanted])
            found |= {entry: thumbnail(frame) for entry, frame in zip(wanted, frames, strict=True)}
    return found
