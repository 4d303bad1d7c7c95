"""The contact sheet of a labelling run: the most uncertain pictures with the labels between which they are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from framewatch_cli.labelling.run import LabelJob
from framewatch_cli.labelling.sorting import Decision, PictureResult
from framewatch_cli.labelling.store import LabelStore
from framewatch_cli.pictures.frames import frames_numbered
from framewatch_cli.pictures.sheet import SheetCell, read_thumbnail, thumbnail, write_sheet
from framewatch_client import without_password

SHEET_COUNT = 24
"""Pictures of a sheet."""

Doubtful = Sequence[tuple[PictureResult, Decision]]


def write_doubtful_sheet(path: Path, doubtful: Doubtful, store: LabelStore, job: LabelJob) -> None:
    """Writes a page with the pictures in their order; without any it removes the page of an earlier run.

    Raises:
        SourceError: the frames of the source can't be read again.
        OSError: the page can't be written.

    """
    if not doubtful:
        path.unlink(missing_ok=True)
        return
    thumbnails = _thumbnails(doubtful, store, job)
    write_sheet(path, f"most uncertain pictures of {without_password(job.source)}", _cells(doubtful, thumbnails))


def _cells(doubtful: Doubtful, thumbnails: Sequence[bytes | None]) -> Iterator[SheetCell]:
    for (picture, decision), image in zip(doubtful, thumbnails, strict=True):
        yield SheetCell(image, (*_labels(decision), picture.item))


def _labels(decision: Decision) -> Iterator[str]:
    score = decision.score or 0.0
    yield f"{decision.label} {score:.2f}"
    if decision.runner_up:
        yield f"{decision.runner_up} {score - (decision.margin or 0.0):.2f}"


def _thumbnails(doubtful: Doubtful, store: LabelStore, job: LabelJob) -> list[bytes | None]:
    files = [store.file_of(picture, decision) for picture, decision in doubtful]
    if None not in files:
        return [None if file is None else read_thumbnail(file) for file in files]
    frames = frames_numbered(job.source, {picture.frame_id or 0 for picture, _ in doubtful})
    pixels = [frames.get(picture.frame_id or 0) for picture, _ in doubtful]
    return [None if image is None else thumbnail(image) for image in pixels]
