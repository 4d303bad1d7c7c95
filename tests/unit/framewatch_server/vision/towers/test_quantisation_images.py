"""Choice of the user's images that int8 is made with and checked on."""

from __future__ import annotations

import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

from framewatch_core.errors import ModelLoadError
from framewatch_demo.scenes import CONCEPTS, render
from framewatch_server.vision.towers import quantisation_images
from framewatch_server.vision.towers.null import NULL_PREPROCESS
from framewatch_server.vision.towers.quantisation_images import LEAST_IMAGES, folder_images, rendered_images

SPEC = NULL_PREPROCESS


def write_pictures(folder: Path, count: int, first: int = 0) -> Path:
    folder.mkdir(exist_ok=True)
    for number in range(first, first + count):
        scene = render(CONCEPTS[number % len(CONCEPTS)].name, number, size=(96, 72)).image
        cv2.imwrite(str(folder / f"{number:03}{('.jpg', '.png', '.WEBP')[number % 3]}"), scene)
    return folder


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_pictures(tmp_path_factory.mktemp("pictures"), 40)


@pytest.fixture
def folder(filled: Path, tmp_path: Path) -> Path:
    """A copy to change."""
    return Path(shutil.copytree(filled, tmp_path / "copy"))


def test_every_fifth_picture_is_held_out(filled: Path) -> None:
    found = folder_images(filled, SPEC)
    fit, check = found.fit(), found.check()
    assert fit.shape == (32, 3, 224, 224)
    assert check.shape == (8, 3, 224, 224)
    assert fit.dtype == check.dtype == np.uint8
    assert not {picture.tobytes() for picture in fit} & {picture.tobytes() for picture in check}
    again = folder_images(filled, SPEC)
    assert again.key == found.key
    assert np.array_equal(again.fit(), fit)
    assert np.array_equal(again.check(), check)


def test_rendered_scenes_are_as_many_as_declared(monkeypatch: pytest.MonkeyPatch) -> None:
    before = rendered_images(SPEC).key
    monkeypatch.setattr(quantisation_images, "FIT_IMAGES", 3)
    monkeypatch.setattr(quantisation_images, "CHECK_IMAGES", 2)
    found = rendered_images(SPEC)
    assert (len(found.fit()), len(found.check())) == (3, 2)
    assert found.key != before


def test_names_and_other_files_change_nothing_but_pictures_do(folder: Path) -> None:
    before = folder_images(folder, SPEC).key
    (folder / "000.jpg").rename(folder / "other name.jpg")
    (folder / "notes.txt").write_text("no picture")
    shutil.copy(folder / "001.png", folder / "twice.png")
    assert folder_images(folder, SPEC).key == before
    (folder / "001.png").unlink()
    (folder / "twice.png").unlink()
    assert folder_images(folder, SPEC).key != before


def test_of_too_many_an_even_choice_is_taken(filled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quantisation_images, "FIT_IMAGES", 26)
    monkeypatch.setattr(quantisation_images, "CHECK_IMAGES", 6)
    found = folder_images(filled, SPEC)
    assert len(found.fit()) + len(found.check()) == 32
    chosen = quantisation_images._chosen(quantisation_images._files(filled))
    assert [int(path.stem) for path in chosen[:5]] == [0, 1, 2, 3, 5]
    assert int(chosen[-1].stem) == 38


@pytest.mark.parametrize("damage", [b"", b"no picture", None], ids=["empty", "of no known format", "cut off"])
def test_a_picture_that_can_not_be_used_is_named(folder: Path, damage: bytes | None) -> None:
    path = folder / "003.jpg"
    path.write_bytes(path.read_bytes()[:200] if damage is None else damage)
    found = folder_images(folder, SPEC)
    with pytest.raises(ModelLoadError, match=r"003\.jpg.*can't be used.*remove it"):
        (found.fit(), found.check())


def test_a_picture_that_is_too_large_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quantisation_images, "_LIMITS", quantisation_images.DecodeLimits(max_image_pixels=100))
    with pytest.raises(ModelLoadError, match="pixels of the image"):
        folder_images(folder, SPEC).fit()


@pytest.mark.parametrize(
    ("name", "message"),
    [
        pytest.param("few", f"31 different images; expected at least {LEAST_IMAGES}", id="too few"),
        pytest.param("same", "31 different images", id="too few that differ"),
        pytest.param("elsewhere", "can't be read.*give a folder", id="no folder"),
        pytest.param("a file", "can't be read.*give a folder", id="a file"),
    ],
)
def test_a_folder_that_can_not_be_used_is_refused_with_the_expectation(
    filled: Path, tmp_path: Path, name: str, message: str
) -> None:
    (tmp_path / "a file").write_text("")
    for few in ("few", "same"):
        (tmp_path / few).mkdir()
        for path in sorted(filled.iterdir())[: LEAST_IMAGES - 1]:
            shutil.copy(path, tmp_path / few)
    shutil.copy(filled / "000.jpg", tmp_path / "same" / "zero again.jpg")
    with pytest.raises(ModelLoadError, match=message):
        folder_images(tmp_path / name, SPEC)
