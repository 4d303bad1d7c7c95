"""Files that are replaced as a whole."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from framewatch_cli.pictures.atomic import (
    is_part,
    part_of,
    real_file,
    remove_parts,
    replacing,
    replacing_bytes,
    replacing_text,
)


@pytest.mark.parametrize("replace", [replacing_bytes, replacing_text])
def test_an_error_leaves_the_old_file_and_nothing_beside_it(tmp_path: Path, replace: type[replacing_text]) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"old")
    with pytest.raises(ValueError, match="broken"), replace(path) as file:
        file.write(b"ne" if "b" in file.mode else "ne")  # type: ignore[arg-type]
        raise ValueError("broken")
    assert path.read_bytes() == b"old"
    with replace(path) as file:
        file.write(b"new" if "b" in file.mode else "new")  # type: ignore[arg-type]
        assert path.read_bytes() == b"old"
    assert path.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [path]


def test_names_that_are_no_text_can_be_written(tmp_path: Path) -> None:
    with replacing_text(tmp_path / "a.txt") as file:
        file.write("x\udc80é\n")
    assert (tmp_path / "a.txt").read_bytes() == b"x\\udc80\xc3\xa9\n"


def test_parts_of_a_file_are_removed_and_others_stay(tmp_path: Path) -> None:
    own, other, longer = (
        tmp_path / f".{name}.0123abcd.framewatch.part" for name in ("[a].csv", "b.csv", "[a].csv.0123abcd.csv")
    )
    mine = tmp_path / ".notes.part"
    for path in (own, other, longer, mine):
        path.touch()
    remove_parts(tmp_path / "[a].csv")
    assert set(tmp_path.iterdir()) == {other, longer, mine}
    remove_parts(tmp_path / "missing/a.csv")
    assert [is_part(path) for path in (own, other, mine)] == [True, True, False]


def test_a_name_may_be_as_long_as_the_system_takes(tmp_path: Path) -> None:
    path = tmp_path / ("é" * 125 + ".html")
    part_of(path).touch()
    remove_parts(path)
    assert list(tmp_path.iterdir()) == []
    with replacing_text(path) as file:
        file.write("whole")
    assert path.read_text() == "whole"


def test_names_of_parts_are_never_the_same() -> None:
    names = {part_of(Path("x")).name for _ in range(100)}
    assert len(names) == 100
    assert all(name.endswith(".framewatch.part") for name in names)


@pytest.mark.parametrize("replace", [replacing_bytes, replacing_text])
@pytest.mark.parametrize("planted", ["link", "dangling link", "file"])
def test_what_lies_in_the_place_of_a_part_is_not_written_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, replace: type[replacing_text], planted: str
) -> None:
    victim, part, path = tmp_path / "victim", tmp_path / ".guessed", tmp_path / "a.txt"
    monkeypatch.setattr("framewatch_cli.pictures.atomic.part_of", lambda _: part)
    path.write_bytes(b"old")
    if planted == "file":
        part.write_bytes(b"planted")
    else:
        part.symlink_to(victim)
    if planted == "link":
        victim.write_bytes(b"mine")
    with pytest.raises(FileExistsError), replace(path):
        raise AssertionError
    assert path.read_bytes() == b"old"
    assert victim.exists() is (planted == "link")
    assert planted != "link" or victim.read_bytes() == b"mine"


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o644])
def test_a_file_keeps_its_permissions(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"old")
    path.chmod(mode)
    with replacing_text(path) as file:
        file.write("new")
    assert path.stat().st_mode & 0o777 == mode


def test_a_new_file_has_the_permissions_of_any_other(tmp_path: Path) -> None:
    (tmp_path / "other").touch()
    with replacing_bytes(tmp_path / "a"):
        pass
    assert (tmp_path / "a").stat().st_mode == (tmp_path / "other").stat().st_mode


def test_a_part_that_a_killed_run_left_is_removed_once_it_is_old(tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    stale, fresh, others, link = (part_of(each) for each in (path, path, tmp_path / "b.html", path))
    for part in (stale, fresh, others):
        part.touch()
    (tmp_path / "victim").touch()
    link.symlink_to(tmp_path / "victim")
    for part in (stale, others, tmp_path / "victim"):
        os.utime(part, (1e9, 1e9))
    with replacing_text(path) as file:
        file.write("whole")
    assert set(tmp_path.iterdir()) == {path, fresh, others, link, tmp_path / "victim"}


def test_a_link_may_take_the_place_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    with replacing(path) as part:
        part.symlink_to(tmp_path / "b.png")
    assert path.is_symlink()
    assert real_file(path) == tmp_path / "b.png"
    assert real_file(tmp_path / "c.png") == tmp_path / "c.png"
