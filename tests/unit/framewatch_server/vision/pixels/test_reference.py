"""Pillow as the decoder: whatever it raises is told of the picture, and only the checked size is returned."""

from __future__ import annotations

import struct

import pytest
from PIL import Image as PillowImage

from framewatch_core.errors import UndecodableImage
from framewatch_core.images.header import ImageFormat, ImageHeader
from framewatch_server.vision.pixels.reference import decode_as_reference
from tests.unit.framewatch_core.images.headers.files import idat, ihdr, png

DATA = png(ihdr(), idat())


def header(width: int = 8, height: int = 8, kind: ImageFormat = ImageFormat.PNG) -> ImageHeader:
    return ImageHeader(kind, width, height, ())


def test_the_pixels_have_the_size_of_the_header() -> None:
    assert decode_as_reference(DATA, header()).shape == (8, 8, 3)


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param(header(width=9), id="another width"),
        pytest.param(header(height=7), id="another height"),
        pytest.param(header(kind=ImageFormat.JPEG), id="another format"),
    ],
)
def test_another_picture_than_the_headers_is_refused(wrong: ImageHeader) -> None:
    with pytest.raises(UndecodableImage):
        decode_as_reference(DATA, wrong)


@pytest.mark.parametrize("error", [struct.error, TypeError, IndexError, SyntaxError, OSError, RuntimeError, KeyError])
def test_every_error_is_one_of_the_picture_and_quotes_nothing(
    monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    def load(_: object) -> None:
        raise error("secret bytes")

    monkeypatch.setattr(PillowImage.Image, "load", load)
    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", load)
    with pytest.raises(UndecodableImage, match="8×8") as caught:
        decode_as_reference(DATA, header())
    assert "secret" not in caught.value.message


def test_running_out_of_memory_is_no_fault_of_the_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    def load(_: object) -> None:
        raise MemoryError

    monkeypatch.setattr("PIL.PngImagePlugin.PngImageFile.load", load)
    with pytest.raises(MemoryError):
        decode_as_reference(DATA, header())
