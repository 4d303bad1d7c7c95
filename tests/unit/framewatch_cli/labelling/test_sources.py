"""Sources of the pictures to label."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from framewatch_cli.labelling.sources import FrameFiles, PictureFiles, open_label_source, source_inputs
from framewatch_client import Source
from framewatch_client.errors import SourceError
from framewatch_client.types import Frame


def touch(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"")


def opened(spec: Path | str, out: Path) -> list[str]:
    found = open_label_source(str(spec), fps=None, every=None, left_out=out)
    assert isinstance(found, PictureFiles)
    return [str(path) for path in found.paths]


def test_pictures_of_all_folders_but_hidden_ones_and_its_own(tmp_path: Path) -> None:
    touch(
        tmp_path, "10.jpg", "2.JPEG", "b/1.png", "b/c/1.webp", "notes.txt", ".git/1.png", "b/.1.png", "out/train/1.png"
    )
    assert opened(tmp_path, tmp_path / "out") == ["2.JPEG", "10.jpg", "b/1.png", "b/c/1.webp"]


def test_a_glob_and_a_single_picture(tmp_path: Path) -> None:
    touch(tmp_path, "a/1.png", "b/1.png", "b/2.txt")
    assert opened(tmp_path / "*/*", tmp_path / "out") == ["a/1.png", "b/1.png"]
    assert opened(tmp_path / "a/1.png", tmp_path / "out") == ["1.png"]


@pytest.mark.parametrize(
    ("pattern", "before", "after"),
    [
        pytest.param("day*/*.png", ["day1/1.png"], ["day1/1.png", "day2/1.png"], id="one folder, then two"),
        pytest.param("./day1/*.png", ["1.png"], ["1.png"], id="with a dot"),
        pytest.param("day1/../d*1/*.png", ["day1/1.png"], ["day1/1.png"], id="up and down again"),
        pytest.param("d*1/../day1/*.png", ["day1/1.png"], ["day1/1.png"], id="up behind the pattern"),
        pytest.param("**/**/*.png", ["day1/1.png"], ["day1/1.png", "day2/1.png"], id="each only once"),
    ],
)
def test_pictures_of_a_glob_keep_their_names_when_folders_come(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pattern: str, before: list[str], after: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    touch(tmp_path, "day1/1.png")
    assert opened(pattern, tmp_path / "out") == before
    touch(tmp_path, "day2/1.png")
    assert opened(pattern, tmp_path / "out") == after


def test_a_glob_leaves_out_what_is_labelled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    touch(tmp_path, "1.png", "out/train/a/1.png")
    monkeypatch.chdir(tmp_path)
    assert opened("**/*.png", Path("out")) == ["1.png"]
    with pytest.raises(SourceError, match="holds no pictures but those in out, which are labelled already"):
        opened("out/**/*.png", Path("out"))


@pytest.mark.parametrize("link", ["labels", "elsewhere/labels"], ids=["beside it", "in another folder"])
@pytest.mark.parametrize("spec", ["source", "source/**/*.png"], ids=["folder", "glob"])
def test_what_is_labelled_is_left_out_by_any_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spec: str, link: str
) -> None:
    monkeypatch.chdir(tmp_path)
    touch(tmp_path, "source/1.png", "source/out/train/a/2.png")
    out = tmp_path / "source" / link
    out.parent.mkdir(exist_ok=True)
    out.symlink_to(tmp_path / "source/out")
    assert opened(spec, out) == ["1.png"]
    assert opened(spec, tmp_path / "source/out") == ["1.png"]


def test_the_links_of_a_folder_are_followed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    touch(tmp_path, *(f"day/{i}.png" for i in range(100)))
    followed: list[Path] = []
    resolve = Path.resolve
    monkeypatch.setattr(Path, "resolve", lambda path: followed.append(path) or resolve(path))
    assert len(opened(tmp_path / "*/*.png", tmp_path / "out")) == 100
    assert len(followed) < 10


def test_a_pattern_may_not_lead_out_of_its_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    touch(tmp_path, "a/day1/x", "a/1.png", "1.png")
    monkeypatch.chdir(tmp_path / "a")
    assert opened("day*/../*.png", tmp_path / "out") == ["1.png"]
    with pytest.raises(SourceError, match="give a pattern without"):
        opened("day*/../../*.png", tmp_path / "out")


def test_a_glob_differs_from_the_same_one_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inputs = []
    for name in ("a [1]", "b"):
        touch(tmp_path, f"{name}/1.png")
        monkeypatch.chdir(tmp_path / name)
        inputs.append(source_inputs("*.png"))
    assert inputs == [{"source": f"{tmp_path}/{name}/*.png", "root": f"{tmp_path}/{name}"} for name in ("a [1]", "b")]
    assert source_inputs("../b/*.png") == source_inputs(f"{tmp_path}/b/*.png") == inputs[1]


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("rtsp://cam/main?subtype=1", "rtsp://cam/main?subtype=1"),
        ("rtsp://me:secret@cam:554/main?x=*", "rtsp://me:***@cam:554/main?x=*"),
        ("0", "0"),
        ("gone.mp4", "gone.mp4"),
    ],
)
def test_what_is_no_glob_stays_as_it_is_but_for_passwords(spec: str, expected: str) -> None:
    assert source_inputs(spec) == {"source": expected}


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"holds no pictures, nor do its folders: expected \.jpeg"):
        opened(tmp_path, tmp_path / "out")


class FakeSource(Source):
    """Ten frames, half a second apart."""

    name = "rtsp://cam/main"
    frame_count = 10

    def __iter__(self) -> Iterator[Frame]:
        return (Frame(np.zeros((2, 2, 3), np.uint8), i / 2, i) for i in range(10))


@pytest.mark.parametrize(("every", "ids"), [(None, list(range(10))), (4, [0, 4, 8]), (20, [0])])
def test_every_so_many_th_frame(every: int | None, ids: list[int]) -> None:
    files = FrameFiles(FakeSource(), every=every)
    assert [frame.frame_id for frame in files] == ids
    assert files.count == len(ids)


def test_frames_of_a_camera_are_named_by_wall_time() -> None:
    source = FakeSource()
    source.origin_time = datetime(2026, 3, 1, 12, tzinfo=UTC)
    result = FrameFiles(source).result(3, 1.5)
    assert result.item == "2026-03-01T12:00:01.500+00:00"
    assert result.name == "main-20260301T120001.500Z.jpg"
    later = FakeSource()
    later.origin_time = datetime(2026, 3, 1, 13, tzinfo=UTC)
    assert FrameFiles(later).result(3, 1.5).item != result.item, "numbers begin anew with each run"
