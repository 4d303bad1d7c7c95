"""Files that are replaced as a whole."""

from __future__ import annotations

import subprocess
import sys
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


def test_two_processes_write_to_files_of_their_own(tmp_path: Path) -> None:
    other = subprocess.run(
        [sys.executable, "-c", "from pathlib import Path; from framewatch_cli.pictures.atomic import part_of; print(part_of(Path('x')))"],
        capture_output=True, text=True, check=True,
    ).stdout.strip()  # fmt: skip
    assert other.endswith(".framewatch.part")
    assert other != str(part_of(Path("x")))


def test_a_link_may_take_the_place_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    with replacing(path) as part:
        part.symlink_to(tmp_path / "b.png")
    assert path.is_symlink()
    assert real_file(path) == tmp_path / "b.png"
    assert real_file(tmp_path / "c.png") == tmp_path / "c.png"
