"""Pictures of labels from files, folders and videos."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from framewatch_cli.pictures.examples import (
    Example,
    ExampleSource,
    as_example,
    load_example,
    parse_example_option,
)
from framewatch_client.errors import SourceError
from framewatch_core.images.image import EncodedImage, Image
from framewatch_core.images.regions import Region
from framewatch_core.time import NS_PER_S

LEFT_HALF = Region("left", 0.0, 0.0, 0.5, 1.0)


def pixels(image: Image) -> np.ndarray:
    return np.asarray(cv2.imdecode(np.frombuffer(image.data, np.uint8), cv2.IMREAD_COLOR))


@pytest.mark.parametrize(
    ("text", "label", "examples"),
    [
        pytest.param("person=one.jpg", "person", [Example("one.jpg")], id="an image"),
        pytest.param("a box=pictures/", "a box", [Example("pictures/")], id="a folder"),
        pytest.param("person=d.mp4@9.2s", "person", [Example("d.mp4", 9_200_000_000)], id="a frame"),
        pytest.param(
            "person=d.mp4@9.2s,1:30", "person", [Example("d.mp4", 9_200_000_000), Example("d.mp4", 90 * NS_PER_S)],
            id="frames",
        ),
        pytest.param("p=d.mp4@1s#left", "p", [Example("d.mp4", NS_PER_S, "left")], id="a frame's region"),
        pytest.param("p=one.jpg#left", "p", [Example("one.jpg", None, "left")], id="an image's region"),
        pytest.param("p=me@home.jpg", "p", [Example("me@home.jpg")], id="an at sign in a name"),
        pytest.param("p=a=b.jpg", "p", [Example("a=b.jpg")], id="an equals sign in a name"),
    ],
)  # fmt: skip
def test_options_are_read(text: str, label: str, examples: list[Example]) -> None:
    assert parse_example_option(text, ["left"]) == (label, examples)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("person", "LABEL=SPEC", id="no equals sign"),
        pytest.param("=one.jpg", "LABEL=SPEC", id="no label"),
        pytest.param("person=", "LABEL=SPEC", id="no spec"),
        pytest.param("person=d.mp4@1s#right", "names the region 'right': regions are left", id="no such region"),
        pytest.param("a=rtsp://u:p@h@9s", r"^the example rtsp://u:\*\*\*@h is a URL: expected an image", id="URL"),
    ],
)
def test_what_is_no_example_is_an_error(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse_example_option(text, ["left"])


def test_a_hash_in_a_files_name_is_none_of_a_region(tmp_path: Path) -> None:
    path = tmp_path / "one#2.jpg"
    path.touch()
    assert parse_example_option(f"p={path}") == ("p", [Example(str(path))])


def test_an_images_bytes_stay_as_they_are(picture_file: Path) -> None:
    assert load_example(ExampleSource(picture_file, None, None)) == [EncodedImage(picture_file.read_bytes())]


def test_an_image_is_cropped(picture_file: Path, picture: np.ndarray) -> None:
    (cropped,) = load_example(ExampleSource(picture_file, None, LEFT_HALF))
    assert pixels(cropped).shape == (48, 32, 3)
    assert np.abs(pixels(cropped).astype(int) - picture[:, :32]).max() < 16


def test_a_folder_gives_its_images_in_natural_order(tmp_path: Path, picture: np.ndarray) -> None:
    for name, level in (("10.png", 200), ("2.png", 50)):
        cv2.imwrite(str(tmp_path / name), np.full_like(picture, level))
    (tmp_path / "notes.txt").touch()
    images = load_example(ExampleSource(tmp_path, None, None))
    assert [int(pixels(image)[0, 0, 0]) for image in images] == [50, 200]


def test_a_frame_of_a_video_is_an_example(make_video: Callable[..., Path]) -> None:
    (image,) = load_example(ExampleSource(make_video(20, 10.0), 500_000_000, LEFT_HALF))
    assert pixels(image).shape == (48, 32, 3)
    assert round(float(pixels(image).mean()) / 4) == 5


def test_large_pictures_are_shrunk() -> None:
    assert pixels(as_example(np.zeros((1536, 2048, 3), np.uint8))).shape == (768, 1024, 3)


def test_what_can_not_be_read_is_an_error(tmp_path: Path, make_video: Callable[..., Path]) -> None:
    video = make_video(5, 10.0)
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"nothing")
    (tmp_path / "empty").mkdir()
    for source, message in (
        (ExampleSource(video, 9 * NS_PER_S, None), "ends before 9 s"),
        (ExampleSource(video, None, None), "give the time of a frame"),
        (ExampleSource(broken, None, LEFT_HALF), "can't be read as an image"),
        (ExampleSource(tmp_path / "empty", None, None), "holds no images"),
    ):
        with pytest.raises(SourceError, match=message):
            load_example(source)
    with pytest.raises(FileNotFoundError):
        load_example(ExampleSource(tmp_path / "none.jpg", None, None))
