"""Names of folders and files."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from framewatch_cli.labelling.file_names import MAX_NAME_BYTES, folder_names, frame_name, picture_name


@pytest.mark.parametrize(
    ("label", "folder"),
    [
        pytest.param("a cat", "a cat", id="spaces stay"),
        pytest.param("Tür, offen", "Tür, offen", id="letters of all languages stay"),
        pytest.param("on/off", "on%2Foff", id="slash"),
        pytest.param("..", "%2E%2E", id="dots"),
        pytest.param("100%", "100%25", id="percent"),
        pytest.param("[a]*?", "%5Ba%5D%2A%3F", id="what patterns are made of"),
        pytest.param("_x", "%5Fx", id="what datasets passes over"),
        pytest.param("a train", "a trai%6E", id="what datasets takes for a split"),
        pytest.param("a test tube", "a tes%74 tube", id="a split within"),
        pytest.param("a trainer", "a trainer", id="part of a word"),
        pytest.param("evaluation", "evaluatio%6E", id="a split alone"),
        pytest.param("con", "co%6E", id="a device of Windows"),
        pytest.param("console", "console", id="begins as a device"),
    ],
)
def test_folders_of_labels(label: str, folder: str) -> None:
    assert folder_names([label]) == {label: folder}
    assert unquote(folder) == label


def test_labels_that_differ_in_capitals_have_folders_that_differ_in_more() -> None:
    names = folder_names(["Cat", "cat", "cAt", "caT"])
    assert len({name.casefold() for name in names.values()}) == 4
    assert [unquote(name) for name in names.values()] == list(names)


@given(st.lists(st.text(min_size=1, max_size=40).filter(lambda text: bool(text.strip())), unique=True, max_size=8))
def test_folders_are_safe_unique_and_reversible(labels: list[str]) -> None:
    names = folder_names(labels)
    assert len({name.casefold() for name in names.values()}) == len(labels)
    for label, name in names.items():
        assert not re.search(r"[/\\:*?\"<>|\x00-\x1f\[\]]", name)
        assert not name.startswith((".", "_", " "))
        assert not name.endswith((".", " "))
        assert len(name.encode()) <= MAX_NAME_BYTES
        if len(name.encode()) < MAX_NAME_BYTES - 20:
            assert unquote(name) == label


def test_long_labels_stay_apart() -> None:
    names = folder_names(["猫" * 256, "猫" * 255 + "犬"])
    assert len(set(names.values())) == 2
    assert all(len(name.encode()) <= MAX_NAME_BYTES for name in names.values())


@pytest.mark.parametrize(
    ("path", "name"),
    [
        pytest.param("cat.jpg", "cat.jpg", id="alone"),
        pytest.param("a/b/cat.jpg", "a__b__cat.jpg", id="in folders"),
    ],
)
def test_pictures_keep_their_names(path: str, name: str) -> None:
    assert picture_name(PurePosixPath(path)) == name


def test_pictures_of_different_folders_do_not_collide() -> None:
    paths = [
        "a/b.jpg",
        "a__b.jpg",
        "a/_b.jpg",
        "a_/b.jpg",
        "a___b.jpg",
        "b.jpg",
        "b.png",
        f"{'x' * 250}.jpg",
        f"{'x' * 251}.jpg",
    ]
    names = [picture_name(PurePosixPath(path)) for path in paths]
    assert len(set(names)) == len(paths)
    assert [PurePosixPath(name).suffix for name in names] == [PurePosixPath(path).suffix for path in paths]
    assert all(len(name) <= MAX_NAME_BYTES for name in names)


def test_names_that_are_no_text() -> None:
    assert picture_name(PurePosixPath("a\udc80" * 150 + ".jpg")).endswith(".jpg")


def test_frames_are_named_by_their_video() -> None:
    assert frame_name("/videos/front door.mp4", "frame000120-4.000s") == "front_door-frame000120-4.000s.jpg"
    assert frame_name("rtsp://user:***@cam/main", "20260101") == "main-20260101.jpg"
