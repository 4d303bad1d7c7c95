"""A picture of many pictures: the most uncertain ones with what they might be."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from framewatch_cli.labelling.run import LabelJob
from framewatch_cli.labelling.sorting import Decision, PictureResult
from framewatch_cli.labelling.store import LabelStore
from framewatch_cli.pictures.frames import frames_numbered
from framewatch_cli.pictures.thumbnails import place, read_thumbnail
from framewatch_core.arrays import UInt8Array

SHEET_COUNT = 24
COLUMNS = 6
CELL = (240, 180)
"""Width and height of each picture."""
CAPTION_HEIGHT = 44
GAP = 8

_BACKGROUND, _WHITE, _GREY = (32, 32, 32), (240, 240, 240), (150, 150, 150)
_FONT = cv2.FONT_HERSHEY_SIMPLEX

Doubtful = Sequence[tuple[PictureResult, Decision]]


def write_sheet(path: Path, doubtful: Doubtful, store: LabelStore, job: LabelJob) -> None:
    """Draws the pictures in the order given; of none, an old sheet is removed. The suffix of `path` says the format.

    Raises:
        SourceError: the source has gone.
        OSError: it can't be written.

    """
    if not doubtful:
        path.unlink(missing_ok=True)
        return
    _, data = cv2.imencode(path.suffix.lower(), contact_sheet(doubtful, _pixels(doubtful, store, job)))
    path.write_bytes(data.tobytes())


def _pixels(doubtful: Doubtful, store: LabelStore, job: LabelJob) -> list[UInt8Array | None]:
    files = [store.file_of(picture, decision) for picture, decision in doubtful]
    if None not in files:
        return [None if file is None else read_thumbnail(file) for file in files]
    frames = frames_numbered(job.source, {picture.frame_id or 0 for picture, _ in doubtful})
    return [frames.get(picture.frame_id or 0) for picture, _ in doubtful]


def contact_sheet(doubtful: Doubtful, pictures: Sequence[UInt8Array | None]) -> UInt8Array:
    """Pictures with the best label and the next below, BGR `[height, width, 3]`; None: a grey field."""
    columns = min(COLUMNS, len(pictures))
    rows = -(-len(pictures) // columns)
    step = (CELL[0] + GAP, CELL[1] + CAPTION_HEIGHT + GAP)
    sheet = np.full((rows * step[1] + GAP, columns * step[0] + GAP, 3), _BACKGROUND, dtype=np.uint8)
    for i, ((_, decision), pixels) in enumerate(zip(doubtful, pictures, strict=True)):
        left, top = GAP + i % columns * step[0], GAP + i // columns * step[1]
        sheet[top : top + CELL[1], left : left + CELL[0]] = _cell(pixels)
        _caption(sheet, decision, left, top + CELL[1])
    return sheet


def _cell(pixels: UInt8Array | None) -> UInt8Array:
    """The whole picture in the middle of the cell."""
    width, height = CELL
    cell = np.full((height, width, 3), _GREY if pixels is None else (0, 0, 0), dtype=np.uint8)
    if pixels is not None:
        place(cell, pixels)
    return cell


def _caption(sheet: UInt8Array, decision: Decision, left: int, top: int) -> None:
    score = decision.score or 0.0
    _write(sheet, decision.label, score, (left, top + 17), _WHITE)
    if decision.runner_up:
        _write(sheet, decision.runner_up, score - (decision.margin or 0.0), (left, top + 37), _GREY)


def _write(sheet: UInt8Array, label: str, score: float, at: tuple[int, int], colour: tuple[int, int, int]) -> None:
    """The label, cut where the cell ends, and its score."""
    text = f"{label} {score:.2f}"
    while cv2.getTextSize(text, _FONT, 0.5, 1)[0][0] > CELL[0] and len(label) > 1:
        label = label[:-1]
        text = f"{label}… {score:.2f}"
    cv2.putText(sheet, text, at, _FONT, 0.5, colour, 1, cv2.LINE_AA)
