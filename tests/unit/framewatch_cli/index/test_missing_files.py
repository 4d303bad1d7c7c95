"""Files that are there, missing, out of reach, or there twice."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from framewatch_cli.index.missing_files import duplicates, file_states, gone_sources, kept_notes


def paths(names: str) -> list[Path]:
    return [Path("/", name) for name in names.split()]


def test_files_are_there_or_not_or_out_of_reach(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"123")
    os.mkfifo(tmp_path / "pipe.png")
    states = file_states([tmp_path / "a.png", tmp_path / "b.png", tmp_path / "a.png" / "c.png", tmp_path / "pipe.png"])
    assert {path.name: state.size for path, state in states.there.items()} == {"a.png": 3}
    assert {path.name for path in states.missing} == {"b.png", "c.png"}
    assert set(states.unreachable) == {tmp_path / "pipe.png"}


@pytest.mark.parametrize(
    ("missing", "there", "sources", "gone"),
    [
        ("a/1", "a/2", "a", {}),
        ("a/1 a/x/2", "b/1", "a b", {"/a": "a/1 a/x/2"}),
        ("a/x/1", "a/2", "a", {}),
        ("a/x/1", "a/2", "a a/x", {"/a/x": "a/x/1"}),
        ("a/1 a/x/1", "", "a a/x", {"/a": "a/1 a/x/1"}),
        ("a/1", "ab/1", "a ab", {"/a": "a/1"}),
        ("c/1", "", "a", {}),
        ("", "", "a", {}),
    ],
    ids=[
        "one of two",
        "a source of two",
        "a folder in a source",
        "a source in a source",
        "both",
        "alike in name",
        "of no source",
        "nothing is missing",
    ],
)
def test_sources_of_which_nothing_is_left(missing: str, there: str, sources: str, gone: dict[str, str]) -> None:
    expected = {Path(folder): frozenset(paths(files)) for folder, files in gone.items()}
    assert gone_sources(paths(missing), paths(there), frozenset(paths(sources))) == expected


def test_links_are_doubles_of_what_comes_first(tmp_path: Path) -> None:
    file = tmp_path / "a.png"
    file.touch()
    (tmp_path / "b.png").symlink_to(file)
    (tmp_path / "c.png").hardlink_to(file)
    assert duplicates([file, tmp_path / "b.png", tmp_path / "c.png"]) == {tmp_path / "b.png"}
    assert duplicates([tmp_path / "b.png", file]) == {file}


def test_files_of_a_folder_that_are_out_of_reach_alike_are_reported_together() -> None:
    unreachable = dict.fromkeys(paths("a/1 a/2"), "Permission denied") | {Path("/b/1"): "Input/output error"}
    notes = dict(kept_notes({Path("/c"): paths("c/1 c/2")}, unreachable))
    assert notes[Path("/a")] == "Permission denied (2 files); the vectors that the index has of them are kept"
    assert notes[Path("/b/1")] == "Input/output error; the vectors that the index has of it are kept"
    assert "any more (2), as if it had been moved or unmounted" in notes[Path("/c")]
    assert "--drop-missing" in notes[Path("/c")]
