"""What is embedded again and what is kept, and an index of what is complete."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from framewatch.v1 import framewatch_pb2 as pb
from framewatch_client.index import Entry, VectorIndex
from framewatch_client.index_draft import IndexDraft, plan_index
from framewatch_client.index_sources import FileState, Picture
from framewatch_client.models import Model, models

from .fake_server import fake_model

NS = 1_700_000_000_000_000_000


def model() -> Model:
    return models(pb.ListModelsResponse(models=[fake_model()]))[0]


def write(path: Path, size: int = 1, mtime_ns: int = NS) -> Path:
    path.write_bytes(b"x" * size)
    os.utime(path, ns=(mtime_ns, mtime_ns))
    return path


def index_of(*entries: Entry, fps: float | None = None) -> VectorIndex:
    vectors = np.arange(3 * len(entries), dtype=np.float32).reshape(-1, 3)
    return VectorIndex(entries, vectors, "fake", "0123456789abcdef", fps)


def no_refusal(path: Path, why: str) -> None:
    raise AssertionError(f"{path}: {why}")


@pytest.mark.parametrize(
    ("size", "mtime_ns", "expected"),
    [(1, NS, "unchanged"), (2, NS, "changed"), (1, NS + 1, "changed"), (None, 0, "vanished")],
    ids=["as it was", "another size", "another time", "gone"],
)
def test_files_of_the_index(tmp_path: Path, size: int | None, mtime_ns: int, expected: str) -> None:
    path = tmp_path / "a.png"
    if size is not None:
        write(path, size, mtime_ns)
    plan = plan_index(index_of(Entry(path, None, 1, NS)), [], fps=None, refuse=no_refusal)
    sets = {"unchanged": set(plan.unchanged), "changed": set(plan.changed), "vanished": set(plan.vanished)}
    assert {name for name, paths in sets.items() if path in paths} == {expected}
    assert [file.path for file in plan.todo] == ([path] if expected == "changed" else [])
    assert plan.is_idle == (expected == "unchanged")


def test_new_files_come_in_natural_order(tmp_path: Path) -> None:
    named = [write(tmp_path / name) for name in ("10.png", "2.png")]
    plan = plan_index(None, named, fps=None, refuse=no_refusal)
    assert [file.path.name for file in plan.todo] == ["2.png", "10.png"]
    assert plan.changed == frozenset()


@pytest.mark.parametrize(
    ("had", "fps", "expected"),
    [(2.0, 2.0, ("unchanged", 0)), (2.0, 1.0, ("todo", 0)), (2.0, None, ("left out", 1)), (None, 1.0, ("todo", 0))],
    ids=["same rate", "another rate", "no rate", "new"],
)
def test_videos(tmp_path: Path, had: float | None, fps: float | None, expected: tuple[str, int]) -> None:
    path = write(tmp_path / "v.mp4")
    index = index_of(Entry(path, 0.0, 1, NS), Entry(path, 0.5, 1, NS), fps=had) if had else None
    plan = plan_index(index, [path], fps=fps, refuse=no_refusal)
    where = "unchanged" if path in plan.unchanged else "todo" if plan.todo else "left out"
    assert (where, plan.videos_left_out) == expected


def test_what_can_not_be_in_an_index_is_told(tmp_path: Path) -> None:
    odd = write(Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff.png")))
    told: dict[Path, str] = {}
    plan = plan_index(None, [odd, tmp_path / "missing.png"], fps=None, refuse=told.__setitem__)
    assert plan.todo == ()
    assert told == {
        odd: "the name is not UTF-8: rename the file",
        tmp_path / "missing.png": "the file can't be reached",
    }


def vector(number: float) -> np.ndarray:
    return np.full(3, number, dtype=np.float32)


def test_the_draft_joins_what_is_kept_and_what_is_new(tmp_path: Path) -> None:
    kept, new, broken = (write(tmp_path / name) for name in ("2.png", "10.png", "1.png"))
    plan = plan_index(index_of(Entry(kept, None, 1, NS)), [new, broken], fps=None, refuse=no_refusal)
    draft = IndexDraft(plan, model(), None)
    states = {file.path: file for file in plan.todo}
    draft.take(Picture(states[new], None, b""), vector(9))
    draft.refuse(Picture(states[broken], None, b""))
    index = draft.index()
    assert [entry.path for entry in index.entries] == [kept, new]
    assert index.vectors.tolist() == [[0, 1, 2], [9, 9, 9]]
    assert (index.model, index.weights_digest) == ("fake", "0123456789abcdef")


def test_a_video_counts_when_all_its_frames_are_there(tmp_path: Path) -> None:
    path = write(tmp_path / "v.mp4")
    plan = plan_index(None, [path], fps=1.0, refuse=no_refusal)
    (file,) = plan.todo
    frames = [Picture(file, float(number), b"", number, is_last=number == 2) for number in range(3)]
    draft = IndexDraft(plan, model(), 1.0)
    for frame in (frames[2], frames[0]):
        draft.take(frame, vector(frame.number))
        assert draft.index().entries == ()
    draft.take(frames[1], vector(1))
    index = draft.index()
    assert [entry.time_s for entry in index.entries] == [0, 1, 2]
    assert index.vectors[:, 0].tolist() == [0, 1, 2]
    assert index.fps == 1.0


def test_videos_are_known_by_their_suffix() -> None:
    assert FileState(Path("a.MP4"), 1, 1).is_video
    assert not FileState(Path("a.png"), 1, 1).is_video
