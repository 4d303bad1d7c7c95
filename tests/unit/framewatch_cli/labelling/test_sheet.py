"""The contact sheet of the most uncertain pictures."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from framewatch_cli.labelling.run import LabelJob
from framewatch_cli.labelling.scoring import Question
from framewatch_cli.labelling.sheet import write_doubtful_sheet
from framewatch_cli.labelling.sorting import PictureResult, Sorting, decide
from framewatch_cli.labelling.table_store import TableStore
from framewatch_core.labels.labels import Label, LabelSet
from framewatch_core.labels.scoring import LabelScore
from tests.unit.framewatch_cli.pictures.sheet_pages import read_page

LABELS = ("a", "b")


def doubtful(item: str, score: float, frame_id: int | None = None) -> tuple[PictureResult, object]:
    scores = (LabelScore("a", score, 0.0), LabelScore("b", 1 - score, 0.0))
    picture = PictureResult(item, item, scores, "demo", frame_id=frame_id)
    return picture, decide(picture, Sorting())


def job(source: Path) -> LabelJob:
    return LabelJob(str(source), Question(LabelSet((Label("a"), Label("b")))), Sorting())


@pytest.mark.parametrize("count", [1, 6, 7])
def test_a_sheet_of_pictures_of_any_shape(tmp_path: Path, count: int) -> None:
    shapes = [(10, 1000), (1000, 10), (48, 64)]
    names = [f"{number}.png" for number in range(count)]
    for number, name in enumerate(names[1:], 1):
        cv2.imwrite(str(tmp_path / name), np.full((*shapes[number % 3], 3), 200, np.uint8))
    store = TableStore(tmp_path / "x.csv", LABELS, tmp_path, "")
    write_doubtful_sheet(tmp_path / "a.html", [doubtful(name, 0.75) for name in names], store, job(tmp_path))  # type: ignore[misc]
    title, cells = read_page(tmp_path / "a.html")
    assert title == f"most uncertain pictures of {tmp_path}"
    assert [cell.lines for cell in cells] == [["a 0.75", "b 0.25", name] for name in names]
    assert [cell.picture is None for cell in cells] == [True] + [False] * (count - 1)


def test_frames_that_were_not_written_are_read_again(tmp_path: Path, make_video: Callable[..., Path]) -> None:
    video = make_video(20, 10.0)
    store = TableStore(tmp_path / "x.csv", LABELS, None, str(video))
    found = [doubtful("frame 15", 0.5, 15), doubtful("frame 5", 0.5, 5)]
    write_doubtful_sheet(tmp_path / "a.html", found, store, job(video))  # type: ignore[arg-type]
    _, cells = read_page(tmp_path / "a.html")
    means = [cell.picture.mean() for cell in cells]  # type: ignore[union-attr]
    assert means == pytest.approx([60, 20], abs=4)


def test_of_no_picture_an_old_sheet_is_removed(tmp_path: Path) -> None:
    (tmp_path / "a.html").touch()
    write_doubtful_sheet(tmp_path / "a.html", [], TableStore(tmp_path / "x.csv", LABELS, tmp_path, ""), job(tmp_path))
    assert not (tmp_path / "a.html").exists()
