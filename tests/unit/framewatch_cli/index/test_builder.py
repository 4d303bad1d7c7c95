"""An index under construction: what is kept, and what has taken its place."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from framewatch.v1 import framewatch_pb2 as pb
from framewatch_cli.index.builder import IndexBuilder
from framewatch_cli.index.plan import IndexPlan, plan_index
from framewatch_cli.index.sources import FoundFiles, Picture
from framewatch_cli.index.vector_index import OUTDATED_NS, Entry, VectorIndex
from framewatch_core.models import Model
from framewatch_wire.models import models_from_proto
from tests.unit.framewatch_client.fake_server import fake_model

NS = 1_700_000_000_000_000_000


def model() -> Model:
    return models_from_proto(pb.ListModelsResponse(models=[fake_model()]))[0]


def write(path: Path, size: int = 1, mtime_ns: int = NS) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"x" * size)
    os.utime(path, ns=(mtime_ns, mtime_ns))
    return path


def index_of(*entries: Entry, fps: float | None = None) -> VectorIndex:
    vectors = np.arange(3 * len(entries), dtype=np.float32).reshape(-1, 3)
    return VectorIndex(entries, vectors, "fake", "0123456789abcdef", fps)


def none_skipped(path: Path, why: str) -> None:
    raise AssertionError(f"{path}: {why}")


def vector(number: float) -> np.ndarray:
    return np.full(3, number, dtype=np.float32)


def test_the_builder_joins_what_is_kept_and_what_is_new(tmp_path: Path) -> None:
    kept, new, broken = (write(tmp_path / name) for name in ("2.png", "10.png", "1.png"))
    plan = plan_index(index_of(Entry(kept, None, 1, NS)), FoundFiles((new, broken)), fps=None, skip=none_skipped)
    builder = IndexBuilder(plan, model(), None)
    states = {file.path: file for file in plan.todo}
    builder.add(Picture(states[new], None, b""), vector(9))
    builder.skip(Picture(states[broken], None, b""))
    index = builder.index()
    assert [entry.path for entry in index.entries] == [kept, new]
    assert index.vectors.tolist() == [[0, 1, 2], [9, 9, 9]]
    assert (index.model, index.weights_digest) == ("fake", "0123456789abcdef")


def test_a_video_counts_when_all_its_frames_are_there(tmp_path: Path) -> None:
    path = write(tmp_path / "v.mp4")
    plan = plan_index(None, FoundFiles((path,)), fps=1.0, skip=none_skipped)
    (file,) = plan.todo
    frames = [Picture(file, float(number), b"", number, is_last=number == 2) for number in range(3)]
    builder = IndexBuilder(plan, model(), 1.0)
    for frame in (frames[2], frames[0]):
        builder.add(frame, vector(frame.number))
        assert builder.index().entries == ()
    builder.add(frames[1], vector(1))
    index = builder.index()
    assert [entry.time_s for entry in index.entries] == [0, 1, 2]
    assert index.vectors[:, 0].tolist() == [0, 1, 2]
    assert index.fps == 1.0


def changed_plan(tmp_path: Path) -> IndexPlan:
    """Returns the plan of an index with three changed pictures, one that has vanished, and a source."""
    paths = [write(tmp_path / f"{number}.png") for number in range(3)]
    entries = [Entry(path, None, 9, 9) for path in (*paths, tmp_path / "gone.png")]
    return plan_index(index_of(*entries), FoundFiles((), frozenset({tmp_path})), fps=None, skip=none_skipped)


def test_what_has_changed_is_kept_until_it_is_replaced(tmp_path: Path) -> None:
    plan = changed_plan(tmp_path)
    builder = IndexBuilder(plan, model(), None)
    builder.add(Picture(plan.todo[1], None, b""), vector(9))
    builder.skip(Picture(plan.todo[2], None, b""))
    index = builder.index()
    assert [(entry.path.name, entry.mtime_ns) for entry in index.entries] == [("0.png", 9), ("1.png", NS), ("2.png", 9)]
    assert index.vectors.tolist() == [[0, 1, 2], [9, 9, 9], [6, 7, 8]]
    assert builder.complete == {tmp_path / "1.png"}


def test_sources_stay_while_something_is_left_of_them(tmp_path: Path) -> None:
    found = FoundFiles((write(tmp_path / "a" / "1.png"),), frozenset({tmp_path / "a", tmp_path / "b"}))
    plan = plan_index(None, found, fps=None, skip=none_skipped)
    builder = IndexBuilder(plan, model(), None)
    assert builder.index().sources == ()
    builder.add(Picture(plan.todo[0], None, b""), vector(1))
    assert builder.index().sources == (tmp_path / "a",)


def test_videos_of_another_rate_are_kept_and_marked_until_all_their_frames_are_replaced(tmp_path: Path) -> None:
    path = write(tmp_path / "v.mp4")
    before = index_of(Entry(path, 0.0, 1, NS), Entry(path, 1.0, 1, NS), fps=1.0)
    plan = plan_index(before, FoundFiles(), fps=2.0, skip=none_skipped)
    frames = [Picture(plan.todo[0], number / 2, b"", number, is_last=number == 1) for number in range(2)]
    builder = IndexBuilder(plan, model(), 2.0)
    builder.add(frames[0], vector(0))
    half = builder.index()
    assert [(entry.time_s, entry.mtime_ns) for entry in half.entries] == [(0.0, OUTDATED_NS), (1.0, OUTDATED_NS)]
    assert half.fps == 2.0
    for fps in (1.0, 2.0):
        assert plan_index(half, FoundFiles(), fps=fps, skip=none_skipped).changed == {path}
    builder.add(frames[1], vector(1))
    whole = builder.index()
    assert [(entry.time_s, entry.mtime_ns) for entry in whole.entries] == [(0.0, NS), (0.5, NS)]
    assert plan_index(whole, FoundFiles(), fps=2.0, skip=none_skipped).is_idle
