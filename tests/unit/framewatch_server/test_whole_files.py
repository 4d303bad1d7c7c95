"""Files that are written whole, also in shared folders and on full disks."""

from __future__ import annotations

from pathlib import Path

import pytest

from framewatch_server import whole_files
from framewatch_server.whole_files import write_whole


def test_a_file_is_replaced_and_nothing_else_is_left(tmp_path: Path) -> None:
    path = tmp_path / "address"
    for text in ("127.0.0.1:1", "127.0.0.1:22"):
        write_whole(path, text)
        assert path.read_text() == text
    assert list(tmp_path.iterdir()) == [path]
    assert path.stat().st_mode & 0o777 == 0o644


def test_links_in_a_shared_folder_are_not_followed(tmp_path: Path) -> None:
    """Another user has put links where the file, and where its temporary file was once, will be."""
    victim = tmp_path / "victim"
    victim.write_text("precious")
    folder = tmp_path / "shared"
    folder.mkdir()
    for name in ("address", "address.partial", ".address.partial"):
        (folder / name).symlink_to(victim)
    write_whole(folder / "address", "127.0.0.1:1")
    assert victim.read_text() == "precious"
    assert (folder / "address").read_text() == "127.0.0.1:1"


def test_the_temporary_name_can_not_be_guessed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names: set[str] = set()
    make = whole_files.tempfile.mkstemp

    def record(**options: str) -> tuple[int, str]:
        handle, name = make(**options)  # type: ignore[call-overload]
        names.add(name)
        return handle, name

    monkeypatch.setattr(whole_files.tempfile, "mkstemp", record)
    for _ in range(3):
        write_whole(tmp_path / "address", "x")
    assert len(names) == 3


def test_a_full_disk_leaves_the_old_file_and_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "address"
    write_whole(path, "old")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(whole_files.os, "fchmod", full)
    with pytest.raises(OSError, match="No space"):
        write_whole(path, "new")
    assert list(tmp_path.iterdir()) == [path]
    assert path.read_text() == "old"
