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


RAW = RawImage(b"2" * 48, 4, 2, PixelFormat.RGB24)


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(replace(RAW, data=b"3" * 48), id="other bytes"),
        pytest.param(replace(RAW, pixel_format=PixelFormat.BGR24), id="another format"),
        pytest.param(replace(RAW, height=4), id="more of the bytes"),
        pytest.param(replace(RAW, width=2, height=4), id="another shape"),
        pytest.param(replace(RAW, row_stride_bytes=20), id="another stride"),
        pytest.param(EncodedImage(RAW.data), id="a file of these bytes"),
        pytest.param(EncodedImage(b"RGB24 4 2 12:" + RAW.data), id="a file that begins with the raw picture's kind"),
    ],
)
def test_keys_of_different_pictures_differ(other: RawImage | EncodedImage) -> None:
    assert ImageKey.of(other) != ImageKey.of(RAW)


def test_a_stride_can_not_pass_for_data() -> None:
    narrow = RawImage(b"2" + b"x" * 20, 1, 1, PixelFormat.GRAY8, 1)
    assert ImageKey.of(narrow) != ImageKey.of(RawImage(b"x" * 20, 1, 1, PixelFormat.GRAY8, 12))


@pytest.mark.parametrize("image", [RAW, EncodedImage(b"abc")], ids=["raw", "a file"])
def test_the_same_picture_has_the_same_key(image: RawImage | EncodedImage) -> None:
    key = ImageKey.of(image)
    assert key == ImageKey.of(replace(image)) == ImageKey.of(key)
    assert len(key.digest) == 16


def test_a_stride_without_gaps_is_no_other_picture() -> None:
    assert ImageKey.of(replace(RAW, row_stride_bytes=12)) == ImageKey.of(RAW)
