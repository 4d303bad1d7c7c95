"""Regions of a frame, cropped from the one decoded picture, and examples in several brightnesses."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from framewatch_core.errors import UndecodableImage
from framewatch_core.images.image import EncodedImage, PixelFormat, RawImage
from framewatch_core.images.regions import WHOLE_FRAME, Region
from framewatch_server.vision.pixels import view
from framewatch_server.vision.pixels.decode import DecodeLimits, decode
from framewatch_server.vision.pixels.preprocess import PreprocessSpec, prepare
from framewatch_server.vision.pixels.statistics import picture_stats
from framewatch_server.vision.pixels.view import EXPOSURES, WHOLE, View, in_several_brightnesses, prepare_view
from tests.unit.framewatch_server.vision.pixels.test_decode import smooth

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
    calls: list[object] = []
    monkeypatch.setattr(view, "decode", lambda image, *rest: (calls.append(image), decode(image, *rest))[1])
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
    sizes = []

    def recorded(image: EncodedImage, limits: DecodeLimits, min_size: tuple[int, int] | None) -> npt.NDArray[np.uint8]:
        pixels = decode(image, limits, min_size)
        sizes.append((pixels.shape[1], pixels.shape[0]))
        return pixels

    monkeypatch.setattr(view, "decode", recorded)
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
