"""The decision on each file: embedded again, kept or dropped."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from framewatch_cli.index.plan import plan_index
from framewatch_cli.index.sources import FoundFiles
from framewatch_cli.index.vector_index import Entry
from tests.unit.framewatch_cli.index.test_builder import NS, index_of, none_skipped, write


@pytest.mark.parametrize(
    ("size", "mtime_ns", "expected"),
    [(1, NS, "unchanged"), (2, NS, "changed"), (1, NS + 1, "changed"), (None, 0, "vanished")],
    ids=["as it was", "another size", "another time", "gone"],
)
def test_files_of_the_index(tmp_path: Path, size: int | None, mtime_ns: int, expected: str) -> None:
    path, other = tmp_path / "a.png", write(tmp_path / "b.png")
    if size is not None:
        write(path, size, mtime_ns)
    plan = plan_index(
        index_of(Entry(path, None, 1, NS), Entry(other, None, 1, NS)), FoundFiles(), fps=None, skip=none_skipped
    )
    sets = {"unchanged": set(plan.unchanged), "changed": set(plan.changed), "vanished": set(plan.vanished)}
    assert {name for name, paths in sets.items() if path in paths} == {expected}
    assert [file.path for file in plan.todo] == ([path] if expected == "changed" else [])
    assert plan.is_idle == (expected == "unchanged")


def test_new_files_come_in_natural_order(tmp_path: Path) -> None:
    named = [write(tmp_path / name) for name in ("10.png", "2.png")]
    plan = plan_index(None, FoundFiles(tuple(named)), fps=None, skip=none_skipped)
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
    plan = plan_index(index, FoundFiles((path,)), fps=fps, skip=none_skipped)
    where = "unchanged" if path in plan.unchanged else "todo" if plan.todo else "left out"
    assert (where, plan.videos_left_out) == expected


def test_what_can_not_be_in_an_index_is_skipped(tmp_path: Path) -> None:
    odd = write(Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff.png")))
    skipped: dict[Path, str] = {}
    plan = plan_index(None, FoundFiles((odd, tmp_path / "missing.png")), fps=None, skip=skipped.__setitem__)
    assert plan.todo == ()
    assert skipped == {
        odd: "the name is not UTF-8: rename the file",
        tmp_path / "missing.png": "the file can't be reached",
    }


def skips() -> tuple[dict[Path, str], Callable[[Path, str], None]]:
    skipped: dict[Path, str] = {}
    return skipped, skipped.__setitem__


def test_what_can_not_be_reached_is_kept(tmp_path: Path) -> None:
    pipe, other = tmp_path / "a.png", write(tmp_path / "b.png")
    os.mkfifo(pipe)
    index = index_of(Entry(pipe, None, 1, NS), Entry(other, None, 1, NS))
    plan = plan_index(index, FoundFiles((pipe,)), fps=None, skip=none_skipped)
    assert set(plan.kept) == {pipe, other}
    assert set(plan.unreachable) == {pipe}
    assert plan.out_of_reach == 1
    assert plan.is_idle


def test_a_pipe_is_no_picture(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.png")
    skipped, skip = skips()
    assert plan_index(None, FoundFiles((tmp_path / "a.png",)), fps=None, skip=skip).todo == ()
    assert skipped == {tmp_path / "a.png": "it is a pipe, a socket or a device: expected a regular file"}


@pytest.mark.parametrize("sources", [("a", "b"), ()], ids=["sources", "an index that does not have its sources"])
@pytest.mark.parametrize(
    ("there", "drop_missing", "kept"),
    [
        (["a/1", "b/1"], False, ["a/1", "b/1"]),
        (["a/1"], False, ["a/1"]),
        ([], False, ["a/1", "a/2", "b/1"]),
        ([], True, []),
    ],
    ids=["one file", "one file and a whole source", "all", "all, on purpose"],
)
def test_nothing_is_dropped_where_nothing_is_left(
    tmp_path: Path, sources: tuple[str, ...], there: list[str], drop_missing: bool, kept: list[str]
) -> None:
    for name in there:
        write(tmp_path / name)
    entries = tuple(Entry(tmp_path / name, None, 1, NS) for name in ("a/1", "a/2", "b/1"))
    index = replace(index_of(*entries), sources=tuple(tmp_path / name for name in sources))
    plan = plan_index(index, FoundFiles(), fps=None, skip=none_skipped, drop_missing=drop_missing)
    expected = {*kept, "b/1"} if sources and there else set(kept)
    assert set(plan.kept) == {tmp_path / name for name in expected}
    assert set(plan.vanished) == {entry.path for entry in entries} - set(plan.kept)


def test_a_source_whose_files_have_others_names_now_is_there(tmp_path: Path) -> None:
    new = write(tmp_path / "new.png")
    index = replace(index_of(Entry(tmp_path / "old.png", None, 1, NS)), sources=(tmp_path,))
    plan = plan_index(index, FoundFiles((new,), frozenset({tmp_path})), fps=None, skip=none_skipped)
    assert (plan.vanished, plan.gone) == ({tmp_path / "old.png"}, {})


def linked(tmp_path: Path) -> tuple[Path, Path]:
    """A picture, and its name by a link to its folder."""
    path = write(tmp_path / "pics" / "1.png")
    (tmp_path / "link").symlink_to(tmp_path / "pics")
    return path, tmp_path / "link" / "1.png"


def test_one_file_is_embedded_once(tmp_path: Path) -> None:
    path, by_folder = linked(tmp_path)
    by_file = tmp_path / "a.png"
    by_file.symlink_to(path)
    plan = plan_index(None, FoundFiles((by_file, by_folder, path)), fps=None, skip=none_skipped)
    assert [state.path for state in plan.todo] == [path]
    plan = plan_index(None, FoundFiles((by_folder,)), fps=None, skip=none_skipped)
    assert [state.path for state in plan.todo] == [by_folder]


@pytest.mark.parametrize("known", [0, 1], ids=["its own name", "a link's"])
def test_a_file_keeps_the_name_that_the_index_has(tmp_path: Path, known: int) -> None:
    names = linked(tmp_path)
    index = index_of(Entry(names[known], None, 1, NS))
    plan = plan_index(index, FoundFiles((names[1 - known],)), fps=None, skip=none_skipped)
    assert set(plan.kept) == plan.unchanged == {names[known]}
    assert plan.is_idle


def test_of_two_names_of_a_file_that_an_index_has_one_is_dropped(tmp_path: Path) -> None:
    path, by_folder = linked(tmp_path)
    index = index_of(Entry(path, None, 1, NS), Entry(by_folder, None, 1, NS))
    plan = plan_index(index, FoundFiles(), fps=None, skip=none_skipped)
    assert (set(plan.kept), plan.vanished) == ({path}, {by_folder})
