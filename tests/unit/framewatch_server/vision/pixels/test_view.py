"""Regions of a frame, cropped from the one decoded picture, and examples in several brightnesses."""

from __future__ import annotations

import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image as PillowImage

from framewatch_core.errors import ImageTooLarge, UndecodableImage
from framewatch_core.images.image import EncodedImage, Image, PixelFormat, RawImage
from framewatch_core.images.regions import WHOLE_FRAME, Region
from framewatch_server.vision.pixels import view
from framewatch_server.vision.pixels.decode import CheckedImage, DecodeLimits, check
from framewatch_server.vision.pixels.preprocess import PreprocessSpec, prepare
from framewatch_server.vision.pixels.room import PixelRoom
from framewatch_server.vision.pixels.statistics import picture_stats
from framewatch_server.vision.pixels.view import EXPOSURES, WHOLE, View, in_several_brightnesses, prepare_view
from tests.unit.framewatch_core.images.headers.files import chunk, ihdr, png
from tests.unit.framewatch_server.vision.pixels.test_decode import saved, smooth

LIMITS = DecodeLimits()
SPEC = PreprocessSpec(96, (96, 96), 3, (0.0,) * 3, (1.0,) * 3)
LEFT = Region("left", 0.06, 0.28, 0.17, 0.62)
SMALL = Region("small", 0.5, 0.5, 0.25, 0.25)
VIEW = View((LEFT, SMALL, Region("right", 0.5, 0, 0.5, 1)))


def raw(pixels: npt.NDArray[np.uint8]) -> RawImage:
    return RawImage(pixels.tobytes(), pixels.shape[1], pixels.shape[0], PixelFormat.RGB24)


def jpeg(pixels: npt.NDArray[np.uint8]) -> EncodedImage:
    return EncodedImage(cv2.imencode(".jpg", pixels[..., ::-1])[1].tobytes())


def cropped(pixels: npt.NDArray[np.uint8], region: Region) -> npt.NDArray[np.uint8]:
    left, top, right, bottom = region.pixel_box(pixels.shape[1], pixels.shape[0])
    return np.ascontiguousarray(pixels[top:bottom, left:right])


def record_decodes(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """Returns a list that gets width and height of each picture that is decoded."""
    sizes: list[tuple[int, int]] = []

    def recorded(image: Image, limits: DecodeLimits, min_size: tuple[int, int] | None) -> CheckedImage:
        checked = check(image, limits, min_size)

        def decoded() -> npt.NDArray[np.uint8]:
            pixels = checked.decode()
            sizes.append((pixels.shape[1], pixels.shape[0]))
            return pixels

        return replace(checked, decode=decoded)

    monkeypatch.setattr(view, "check", recorded)
    return sizes


@pytest.mark.parametrize("size", [(640, 360), (231, 229), (2, 2), (1, 1)], ids=str)
def test_each_region_is_prepared_like_its_crop_alone(size: tuple[int, int]) -> None:
    pixels = smooth(*size)
    prepared = prepare_view(raw(pixels), VIEW, SPEC, LIMITS, reduced=False)
    assert prepared.inputs.shape == (3, 3, 96, 96)
    for found, region in zip(prepared.inputs, VIEW.regions, strict=True):
        np.testing.assert_array_equal(found, prepare(cropped(pixels, region), SPEC, exact=True))


def test_a_crop_as_a_picture_of_its_own_gives_the_same_input() -> None:
    pixels = smooth(640, 360)
    (found,) = prepare_view(raw(pixels), View((LEFT,)), SPEC, LIMITS).inputs
    (alone,) = prepare_view(raw(cropped(pixels, LEFT)), WHOLE, SPEC, LIMITS).inputs
    np.testing.assert_array_equal(found, alone)


def test_sixty_four_regions_decode_the_picture_once(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = record_decodes(monkeypatch)
    regions = tuple(Region(f"{i}", i % 8 / 8, i // 8 / 8, 1 / 8, 1 / 8) for i in range(64))
    assert prepare_view(jpeg(smooth(640, 360)), View(regions), SPEC, LIMITS).inputs.shape == (64, 3, 96, 96)
    assert len(calls) == 1


@pytest.mark.parametrize(
    ("regions", "decoded"),
    [
        pytest.param((WHOLE_FRAME,), (480, 270), id="the whole frame: a quarter is enough"),
        pytest.param((Region("half", 0, 0, 0.5, 1),), (480, 270), id="half the width: a quarter still is"),
        pytest.param((Region("half", 0, 0, 1, 0.5),), (960, 540), id="half the height"),
        pytest.param((SMALL,), (1920, 1080), id="a quarter: all of it"),
        pytest.param((WHOLE_FRAME, SMALL), (1920, 1080), id="the smallest decides"),
        pytest.param((Region("thin", 0, 0, 5e-324, 1e-300),), (1920, 1080), id="next to nothing"),
    ],
)
def test_the_smallest_region_keeps_as_many_pixels_as_the_model_sees(
    monkeypatch: pytest.MonkeyPatch, regions: tuple[Region, ...], decoded: tuple[int, int]
) -> None:
    sizes = record_decodes(monkeypatch)
    prepare_view(jpeg(smooth(1920, 1080)), View(regions), SPEC, LIMITS)
    assert sizes == [decoded]
    width, height = decoded
    boxes = [region.pixel_box(width, height) for region in regions]
    if decoded != (1920, 1080):
        assert all(min(right - left, bottom - top) >= 96 for left, top, right, bottom in boxes)


def test_a_reduced_decode_shows_a_region_the_same() -> None:
    image = jpeg(smooth(1920, 1080))
    one = View((Region("half", 0.5, 0, 0.5, 1),))
    reduced = prepare_view(image, one, SPEC, LIMITS).inputs.astype(int)
    whole = prepare_view(image, one, SPEC, LIMITS, reduced=False).inputs
    assert np.abs(reduced - whole).mean() < 2


@pytest.mark.parametrize(
    ("view", "measured"),
    [
        pytest.param(VIEW, [], id="none assessed"),
        pytest.param(
            View(VIEW.regions, assessed=frozenset({"left", "right"})), ["", "left", "right"], id="those assessed"
        ),
        pytest.param(View(assessed=frozenset({""})), [""], id="the whole frame once"),
    ],
)
def test_the_pictures_of_assessed_regions_are_measured(view: View, measured: list[str]) -> None:
    pixels = smooth(640, 360)
    pictures = prepare_view(raw(pixels), view, SPEC, LIMITS).pictures
    assert list(pictures) == measured
    if "left" in pictures:
        np.testing.assert_array_equal(pictures["left"].luma, picture_stats(cropped(pixels, LEFT)).luma)
        np.testing.assert_array_equal(pictures[""].luma, picture_stats(pixels).luma)


def test_a_region_of_one_pixel_can_be_assessed() -> None:
    prepare_view(
        raw(smooth(8, 8)), View((Region("dot", 0.5, 0.5, 1e-9, 1e-9),), assessed=frozenset({"dot"})), SPEC, LIMITS
    )


def test_a_broken_image_is_refused() -> None:
    image = jpeg(smooth(64, 64))
    with pytest.raises(UndecodableImage):
        prepare_view(EncodedImage(image.data[:-200]), VIEW, SPEC, LIMITS)


def test_an_example_becomes_inputs_in_several_brightnesses() -> None:
    pixels = smooth(96, 96)
    (as_it_is,) = prepare_view(raw(pixels), WHOLE, SPEC, LIMITS).inputs
    inputs = prepare_view(raw(pixels), View(is_example=True), SPEC, LIMITS).inputs
    np.testing.assert_array_equal(inputs, in_several_brightnesses(as_it_is))
    assert len(inputs) == len(EXPOSURES) + 1
    np.testing.assert_array_equal(inputs[0], as_it_is)
    for each, factor in zip(inputs, EXPOSURES, strict=False):
        np.testing.assert_allclose(each, np.clip(as_it_is * factor, 0, 255), atol=1)
    grey = inputs[-1]
    assert (grey[0] == grey[1]).all()
    assert (grey[0] == grey[2]).all()
    np.testing.assert_allclose(grey[0], cv2.cvtColor(as_it_is.transpose(1, 2, 0), cv2.COLOR_RGB2GRAY), atol=1)


def test_the_smallest_share_is_over_all_regions_in_each_direction() -> None:
    assert View((Region("a", 0, 0, 0.2, 0.9), Region("b", 0, 0, 0.7, 0.1))).min_share == (0.2, 0.1)
    assert WHOLE.min_share == (1.0, 1.0)


@pytest.mark.parametrize("orientation", [1, 6, 8])
def test_a_turned_picture_is_decoded_as_large_as_an_upright_one(
    monkeypatch: pytest.MonkeyPatch, orientation: int
) -> None:
    sizes = record_decodes(monkeypatch)
    upright = PillowImage.fromarray(smooth(1080, 1920))
    stored = upright.rotate({1: 0, 6: 90, 8: -90}[orientation], expand=True)
    exif = PillowImage.Exif()
    exif[0x0112] = orientation
    narrow = View((Region("narrow", 0.4, 0, 0.2, 1),))
    prepare_view(EncodedImage(saved(stored, "JPEG", exif=exif)), narrow, SPEC, LIMITS)
    assert sizes == [(1080, 1920)]


def test_regions_cost_no_copies_of_the_picture() -> None:
    image = raw(smooth(800, 800))
    regions = View(tuple(Region(f"{i}", i / 1000, 0, 0.9, 0.9) for i in range(64)), assessed=frozenset({"7"}))
    prepare_view(image, regions, SPEC, LIMITS)  # imports what it needs
    tracemalloc.start()
    inputs = prepare_view(image, regions, SPEC, LIMITS).inputs
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < inputs.nbytes + 4 * len(image.data)


@pytest.mark.parametrize(
    ("count", "limit", "is_refused"),
    [
        pytest.param(1, 1, False, id="one region: the picture's own limit is enough"),
        pytest.param(2, 2 * 64 * 48, False, id="as many as the limit"),
        pytest.param(2, 2 * 64 * 48 - 1, True, id="one more"),
        pytest.param(64, 50_000, True, id="many"),
    ],
)
def test_the_pixels_of_all_regions_are_limited_before_decoding(
    monkeypatch: pytest.MonkeyPatch, count: int, limit: int, is_refused: bool
) -> None:
    sizes = record_decodes(monkeypatch)
    regions = View(tuple(Region(f"{i}", 0, 0, 1, 1) for i in range(count)))
    limits = DecodeLimits(max_region_pixels=limit)
    if is_refused:
        with pytest.raises(ImageTooLarge, match="max_region_pixels") as caught:
            prepare_view(jpeg(smooth(64, 48)), regions, SPEC, limits)
        assert caught.value.metadata["actual"] == str(count * 64 * 48)
    else:
        prepare_view(jpeg(smooth(64, 48)), regions, SPEC, limits)
    assert sizes == ([] if is_refused else [(64, 48)])


def test_room_for_the_pixels_is_held_while_they_are_there(monkeypatch: pytest.MonkeyPatch) -> None:
    room, held = PixelRoom(1_000_000), list[int]()
    monkeypatch.setattr(view, "prepare", lambda *args, **kwargs: (held.append(room.held), prepare(*args, **kwargs))[1])
    prepare_view(jpeg(smooth(64, 48)), WHOLE, SPEC, LIMITS, room=room)
    assert held == [64 * 48 * 10 + 48 * 96 * 16]
    assert room.held == 0


def test_room_is_given_back_by_a_picture_that_is_broken() -> None:
    room = PixelRoom(1_000_000)
    with pytest.raises(UndecodableImage):
        prepare_view(EncodedImage(png(ihdr(), chunk(b"IDAT", b"junk"))), WHOLE, SPEC, LIMITS, room=room)
    assert room.held == 0


def test_threads_decode_no_more_at_once_than_there_is_room_for(monkeypatch: pytest.MonkeyPatch) -> None:
    image, together = jpeg(smooth(64, 48)), list[int]()
    room = PixelRoom(2 * (check(image, LIMITS).held_bytes + 48 * 96 * 16) + 1)
    monkeypatch.setattr(
        view, "prepare", lambda *args, **kwargs: (together.append(room.held), prepare(*args, **kwargs))[1]
    )
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda _: prepare_view(image, WHOLE, SPEC, LIMITS, room=room), range(64)))
    assert len(together) == 64
    assert max(together) <= room.maximum
    assert room.held == 0
