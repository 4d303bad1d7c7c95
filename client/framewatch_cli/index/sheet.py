"""A contact sheet: a query and what was found for it, as one picture."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from textwrap import wrap
from unicodedata import combining, normalize

import cv2
import numpy as np

from framewatch_cli.index.vector_index import Entry
from framewatch_cli.pictures.frames import frames_at
from framewatch_cli.pictures.thumbnails import place, read_thumbnail
from framewatch_client import IMAGE_SUFFIXES, SourceError, shrink_image
from framewatch_core.arrays import UInt8Array
from framewatch_core.time import NS_PER_S

MAX_SHEET_HITS = 200
MAX_COLUMNS = 6
THUMBNAIL_WIDTH, THUMBNAIL_HEIGHT = 240, 180
CAPTION_HEIGHT = 46
GAP = 12

_FONT = cv2.FONT_HERSHEY_SIMPLEX
_FONT_SCALE = 0.45
_LINE_HEIGHT = 18
_HAS_ALL_LETTERS = int(cv2.__version__.split(".")[0]) >= 5
_PAPER, _INK, _GREY, _EMPTY = (255, 255, 255), (32, 32, 32), (120, 120, 120), (232, 232, 232)
_QUERY_COLOUR = (176, 96, 16)


def check_sheet(path: Path | None) -> None:
    """Raises ValueError for a file of another kind than pictures; None: there is none to draw."""
    if path is not None and path.suffix.lower() not in IMAGE_SUFFIXES:
        raise ValueError(f"the sheet {path}: expected a file that ends in {', '.join(sorted(IMAGE_SUFFIXES))}")


def write_sheet(path: Path, query: Path | str, hits: Sequence[tuple[Entry, float]]) -> None:
    """Draws the query and at most MAX_SHEET_HITS hits, and writes them. Raises OSError.

    Args:
        path: what to write; its suffix says the format.
        query: a picture's file, or words.
        hits: pictures with their scores, best first.

    """
    _, data = cv2.imencode(path.suffix.lower(), draw_sheet(query, hits))
    path.write_bytes(data.tobytes())


def draw_sheet(query: Path | str, hits: Sequence[tuple[Entry, float]]) -> UInt8Array:
    """The query and the first MAX_SHEET_HITS hits in a grid, BGR; the query comes first, framed."""
    drawn = hits[:MAX_SHEET_HITS]
    frames = _video_frames([entry for entry, _ in drawn])
    cells = [_query_cell(query), *(_hit_cell(rank, *hit, frames) for rank, hit in enumerate(drawn, 1))]
    columns = min(MAX_COLUMNS, max(2, math.ceil(math.sqrt(len(cells)))))
    height, width = cells[0].shape[:2]
    rows = math.ceil(len(cells) / columns)
    sheet = np.full((rows * (height + GAP) + GAP, columns * (width + GAP) + GAP, 3), _PAPER, dtype=np.uint8)
    for number, cell in enumerate(cells):
        row, column = divmod(number, columns)
        top, left = GAP + row * (height + GAP), GAP + column * (width + GAP)
        sheet[top : top + height, left : left + width] = cell
    return sheet


def _video_frames(entries: Sequence[Entry]) -> dict[Entry, UInt8Array]:
    """Frames of videos, each of which is read once. Those of a video that can't be read are missing."""
    frames: dict[Entry, UInt8Array] = {}
    for path in {entry.path for entry in entries if entry.time_s is not None}:
        wanted = [entry for entry in entries if entry.path == path]
        with suppress(SourceError):
            found = frames_at(str(path), [round((entry.time_s or 0.0) * NS_PER_S) for entry in wanted])
            frames |= {entry: shrink_image(frame, THUMBNAIL_HEIGHT) for entry, frame in zip(wanted, found, strict=True)}
    return frames


def _query_cell(query: Path | str) -> UInt8Array:
    if isinstance(query, Path):
        cell = _cell(read_thumbnail(query), "query", query.name)
    else:
        cell = _cell(_text_picture(query), "query", "")
    cv2.rectangle(cell, (0, 0), (THUMBNAIL_WIDTH - 1, THUMBNAIL_HEIGHT - 1), _QUERY_COLOUR, 3)
    return cell


def _hit_cell(rank: int, entry: Entry, score: float, frames: Mapping[Entry, UInt8Array]) -> UInt8Array:
    picture = frames.get(entry) if entry.time_s is not None else read_thumbnail(entry.path)
    return _cell(picture, f"{rank}   {score:.3f}", entry.named(entry.path.name))


def _cell(picture: UInt8Array | None, title: str, name: str) -> UInt8Array:
    cell = np.full((THUMBNAIL_HEIGHT + CAPTION_HEIGHT, THUMBNAIL_WIDTH, 3), _PAPER, dtype=np.uint8)
    cell[:THUMBNAIL_HEIGHT] = _EMPTY
    if picture is None:
        _write(cell, "unreadable", (8, THUMBNAIL_HEIGHT // 2), _GREY)
    else:
        place(cell[:THUMBNAIL_HEIGHT], picture)
    _write(cell, title, (2, THUMBNAIL_HEIGHT + 18), _INK)
    _write(cell, shortened(name, THUMBNAIL_WIDTH - 4), (2, THUMBNAIL_HEIGHT + 38), _GREY)
    return cell


def _text_picture(text: str) -> UInt8Array:
    picture = np.full((THUMBNAIL_HEIGHT, THUMBNAIL_WIDTH, 3), _PAPER, dtype=np.uint8)
    lines = _lines(text)
    first = (THUMBNAIL_HEIGHT - len(lines) * _LINE_HEIGHT) // 2 + _LINE_HEIGHT - 4
    for number, line in enumerate(lines):
        _write(picture, line, (12, first + number * _LINE_HEIGHT), _INK)
    return picture


def _lines(text: str) -> list[str]:
    """The text in lines that fit into a thumbnail, what is too much left out."""
    most = (THUMBNAIL_HEIGHT - 16) // _LINE_HEIGHT
    for letters in range(36, 8, -1):
        lines = wrap(text, letters, max_lines=most, placeholder="...")
        if all(_text_width(line) <= THUMBNAIL_WIDTH - 24 for line in lines):
            return lines
    return lines


def shortened(name: str, width: int) -> str:
    """The name, its middle left out if it would be wider than `width` pixels: what differs is often at its end."""
    kept = len(name)
    short = name
    while kept > 1 and _text_width(short) > width:
        kept -= 1
        short = f"{name[: kept // 3]}...{name[len(name) - (kept - kept // 3) :]}"
    return short


def _text_width(text: str) -> int:
    return int(cv2.getTextSize(_drawable(text), _FONT, _FONT_SCALE, 1)[0][0])


def _write(picture: UInt8Array, text: str, origin: tuple[int, int], colour: tuple[int, int, int]) -> None:
    cv2.putText(picture, _drawable(text), origin, _FONT, _FONT_SCALE, colour, 1, cv2.LINE_AA)


def _drawable(text: str) -> str:
    """OpenCV 4 has ASCII only: letters go without their accents, others become question marks."""
    if _HAS_ALL_LETTERS:
        return text
    plain = normalize("NFKD", text)
    return "".join(letter if letter.isascii() else "?" for letter in plain if not combining(letter))
