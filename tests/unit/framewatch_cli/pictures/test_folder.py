"""Files below folders, and their states."""

from __future__ import annotations

from pathlib import Path

import pytest

from framewatch_cli.pictures import folder as picture_folder
from framewatch_cli.pictures.folder import FileState, file_state, read_picture, walk
from framewatch_core.errors import EmptyImage, ImageTooLarge


@pytest.mark.parametrize("name", ["missing.png", "file/below.png", "folder"])
def test_a_file_that_is_not_there_has_no_state(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    assert file_state(tmp_path / name) is None


def test_a_file_that_can_not_be_looked_at(tmp_path: Path) -> None:
    (tmp_path / "a.png").symlink_to("a.png")
    with pytest.raises(OSError, match="Too many levels of symbolic links"):
        file_state(tmp_path / "a.png")


def test_videos_are_known_by_their_suffix() -> None:
    assert FileState(Path("a.MP4"), 1, 1).is_video
    assert not FileState(Path("a.png"), 1, 1).is_video


def test_hidden_files_links_to_folders_and_one_folder_are_left_out(tmp_path: Path) -> None:
    for name in ("1.png", ".2.png", "a/3.png", ".b/4.png", "out/5.png", "a/out/6.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "link").symlink_to(tmp_path / "a")
    found = walk(tmp_path, pytest.fail, tmp_path / "out")
    assert sorted(str(path.relative_to(tmp_path)) for path in found) == ["1.png", "a/3.png", "a/out/6.png"]


def test_a_picture_that_can_not_be_sent_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(picture_folder, "MAX_PICTURE_BYTES", 5)
    (tmp_path / "a.png").write_bytes(b"12345")
    assert read_picture(tmp_path / "a.png") == b"12345"
    for content, error in ((b"", EmptyImage), (b"123456", ImageTooLarge)):
        (tmp_path / "a.png").write_bytes(content)
        with pytest.raises(error):
            read_picture(tmp_path / "a.png")
    (tmp_path / "a.png").unlink()
    with pytest.raises(FileNotFoundError):
        read_picture(tmp_path / "a.png")
