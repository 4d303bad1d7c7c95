from __future__ import annotations

from dataclasses import replace

import pytest

from framewatch_core.errors import EmptyImage, FieldError, InvalidRawImage
from framewatch_core.images.image import EncodedImage, ImageKey, PixelFormat, RawImage


def test_an_encoded_image_has_bytes() -> None:
    with pytest.raises(EmptyImage):
        EncodedImage(b"")


@pytest.mark.parametrize(
    ("width", "height", "pixel_format", "stride", "min_bytes"),
    [
        pytest.param(4, 2, PixelFormat.RGB24, 0, 24, id="RGB24"),
        pytest.param(4, 2, PixelFormat.BGRA32, 0, 32, id="BGRA32"),
        pytest.param(4, 2, PixelFormat.GRAY8, 10, 14, id="the last row needs no padding"),
        pytest.param(4, 2, PixelFormat.NV12, 0, 12, id="NV12"),
        pytest.param(4, 2, PixelFormat.NV12, 6, 16, id="NV12 with padding"),
        pytest.param(4, 2, PixelFormat.I420, 6, 17, id="I420 with padding: chroma rows have half of it"),
    ],
)
def test_raw_sizes(width: int, height: int, pixel_format: PixelFormat, stride: int, min_bytes: int) -> None:
    RawImage(b"x" * min_bytes, width, height, pixel_format, stride)
    with pytest.raises(InvalidRawImage) as caught:
        RawImage(b"x" * (min_bytes - 1), width, height, pixel_format, stride)
    assert caught.value.field == "raw.data"


@pytest.mark.parametrize(
    ("width", "height", "pixel_format", "stride", "max_bytes"),
    [
        pytest.param(4, 2, PixelFormat.RGB24, 0, 35, id="RGB24"),
        pytest.param(4, 2, PixelFormat.GRAY8, 10, 29, id="GRAY8 with padding"),
        pytest.param(4, 2, PixelFormat.I420, 6, 23, id="I420 with padding"),
        pytest.param(1, 1, PixelFormat.GRAY8, 0, 1, id="one pixel"),
    ],
)
def test_padding_behind_the_last_row_is_less_than_a_row(
    width: int, height: int, pixel_format: PixelFormat, stride: int, max_bytes: int
) -> None:
    RawImage(b"x" * max_bytes, width, height, pixel_format, stride)
    with pytest.raises(InvalidRawImage, match="too many") as caught:
        RawImage(b"x" * (max_bytes + 1), width, height, pixel_format, stride)
    assert caught.value.field == "raw.data"


@pytest.mark.parametrize(
    ("size", "pixel_format", "match"),
    [
        pytest.param(64 * 48 * 4, PixelFormat.RGB24, "BGRA32", id="RGBA said to be RGB24"),
        pytest.param(64 * 48 * 3, PixelFormat.GRAY8, "RGB24", id="RGB said to be GRAY8"),
        pytest.param(64 * 48 * 3, PixelFormat.BGRA32, "RGB24", id="RGB said to be BGRA32"),
        pytest.param(64 * 48 * 2, PixelFormat.NV12, "YUYV", id="YUYV said to be NV12"),
        pytest.param(64 * 72, PixelFormat.GRAY8, "NV12", id="NV12 said to be GRAY8"),
        pytest.param(64 * 48, PixelFormat.NV12, "GRAY8", id="GRAY8 said to be NV12"),
    ],
)
def test_bytes_of_another_format_are_refused_with_its_name(size: int, pixel_format: PixelFormat, match: str) -> None:
    with pytest.raises(InvalidRawImage, match=match):
        RawImage(b"x" * size, 64, 48, pixel_format)


@pytest.mark.parametrize(
    ("arguments", "error", "field"),
    [
        pytest.param({"data": b""}, EmptyImage, "raw.data", id="no bytes"),
        pytest.param({"width": 0}, InvalidRawImage, "raw.width", id="no width"),
        pytest.param({"height": 0}, InvalidRawImage, "raw.height", id="no height"),
        pytest.param({"row_stride_bytes": 11}, InvalidRawImage, "raw.row_stride_bytes", id="stride below a row"),
        pytest.param({"pixel_format": PixelFormat.NV12, "width": 3}, InvalidRawImage, "raw.width", id="odd NV12"),
        pytest.param({"pixel_format": PixelFormat.I420, "height": 3}, InvalidRawImage, "raw.height", id="odd I420"),
        pytest.param(
            {"pixel_format": PixelFormat.I420, "row_stride_bytes": 5},
            InvalidRawImage,
            "raw.row_stride_bytes",
            id="odd stride",
        ),
    ],
)
def test_impossible_raw_images_name_their_field(
    arguments: dict[str, object], error: type[FieldError], field: str
) -> None:
    whole = {"data": b"x" * 100, "width": 4, "height": 2, "pixel_format": PixelFormat.RGB24}
    with pytest.raises(error) as caught:
        RawImage(**{**whole, **arguments})  # type: ignore[arg-type]
    assert caught.value.field == field


RAW = RawImage(b"2" * 25, 4, 2, PixelFormat.RGB24)


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(replace(RAW, data=b"3" * 25), id="other bytes"),
        pytest.param(replace(RAW, pixel_format=PixelFormat.BGR24), id="another format"),
        pytest.param(replace(RAW, width=2, height=4), id="another shape"),
        pytest.param(replace(RAW, row_stride_bytes=13), id="another stride"),
        pytest.param(EncodedImage(RAW.data), id="a file of these bytes"),
        pytest.param(EncodedImage(b"RGB24 4 2 12:" + RAW.data), id="a file that begins with the raw picture's kind"),
    ],
)
def test_keys_of_different_pictures_differ(other: RawImage | EncodedImage) -> None:
    assert ImageKey.of(other) != ImageKey.of(RAW)


def test_a_stride_can_not_pass_for_data() -> None:
    narrow = RawImage(b"2" + b"x" * 4, 1, 1, PixelFormat.GRAY8, 3)
    assert ImageKey.of(narrow) != ImageKey.of(RawImage(b"x" * 4, 1, 1, PixelFormat.GRAY8, 32))


@pytest.mark.parametrize("image", [RAW, EncodedImage(b"abc")], ids=["raw", "a file"])
def test_the_same_picture_has_the_same_key(image: RawImage | EncodedImage) -> None:
    key = ImageKey.of(image)
    assert key == ImageKey.of(replace(image)) == ImageKey.of(key)
    assert len(key.digest) == 16


def test_a_stride_without_gaps_is_no_other_picture() -> None:
    assert ImageKey.of(replace(RAW, row_stride_bytes=12)) == ImageKey.of(RAW)
