"""Names that were read from files, and folders behind links."""

from __future__ import annotations

from pathlib import Path, PurePath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from framewatch_cli.pictures.names import LeadsElsewhere, check_component, check_relative, checked_below


@given(st.text(max_size=300))
def test_a_checked_name_stays_in_its_folder(name: str) -> None:
    folder = PurePath("/some/folder")
    try:
        check_component(name)
    except ValueError:
        return
    assert (folder / name).parent == folder
    assert (folder / name).name == name


@given(st.lists(st.sampled_from(["..", ".", "a", "b c", "", "\0", "~"]), max_size=6))
def test_a_checked_path_stays_below_its_folder(parts: list[str]) -> None:
    path = "/".join(parts)
    try:
        check_relative(path)
    except ValueError:
        return
    assert ".." not in (PurePath("/some/folder") / path).parts
    assert (PurePath("/some/folder") / path).is_relative_to("/some/folder")


def test_folders_below_others(tmp_path: Path) -> None:
    (tmp_path / "out/real").mkdir(parents=True)
    (tmp_path / "out/up").symlink_to("..")
    (tmp_path / "out/inside").symlink_to("real")
    (tmp_path / "link").symlink_to("out")
    for path in ("real/a", "inside/a", "new/folder/a", "a"):
        assert checked_below(tmp_path / "out" / path, tmp_path / "out") == tmp_path / "out" / path
        assert checked_below(tmp_path / "link" / path, tmp_path / "out")
    for path in ("up/a", "real/../../a"):
        with pytest.raises(LeadsElsewhere):
            checked_below(tmp_path / "out" / path, tmp_path / "out")
