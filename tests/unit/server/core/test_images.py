from __future__ import annotations

import pytest

from framewatch_core.errors import EmptyImage, FieldError, InvalidRawImage
from framewatch_core.images import EncodedImage, PixelFormat, RawImage


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
