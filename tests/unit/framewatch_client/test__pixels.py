"""Pixels of files and PIL images: those that the server sees of the same picture."""

from __future__ import annotations

import io

import cv2
import numpy as np
import pytest
from PIL import Image

from framewatch.v1 import framewatch_pb2 as pb
from framewatch_client import _pixels
from framewatch_client._images import to_message, to_stream_message
from framewatch_client._pixels import decode_file, pil_pixels
from framewatch_client.errors import InvalidType, InvalidValue
from framewatch_core.images.header import read_header
from framewatch_core.images.image import EncodedImage
from framewatch_server.vision.pixels.decode import DecodeLimits, decode
from framewatch_wire.images import image_from_proto
from tests.unit.framewatch_server.vision.pixels.test_decode import FILES, RGB, rotated, saved

LIMITS = DecodeLimits()


@pytest.mark.parametrize("name", FILES)
def test_a_file_is_decoded_to_what_the_server_sees_or_not_at_all(name: str) -> None:
    pixels = decode_file(FILES[name])
    assert (pixels is None) == read_header(FILES[name]).is_unusual
    if pixels is not None:
        np.testing.assert_array_equal(pixels[..., ::-1], decode(EncodedImage(FILES[name]), LIMITS))


@pytest.mark.parametrize("name", FILES)
def test_a_stream_sends_what_the_server_would_see_of_the_file(name: str) -> None:
    sent = image_from_proto(to_stream_message(FILES[name], short_side=24, jpeg_quality=None))
    seen, expected = decode(sent, LIMITS), decode(EncodedImage(FILES[name]), LIMITS)
    if seen.shape != expected.shape:
        size = (seen.shape[1], seen.shape[0])
        expected = np.asarray(cv2.resize(expected, size, interpolation=cv2.INTER_AREA), np.uint8)
    np.testing.assert_array_equal(seen, expected)


@pytest.mark.filterwarnings("ignore:Palette images with Transparency")
@pytest.mark.parametrize("name", FILES)
def test_a_pil_image_is_sent_as_what_the_server_sees_of_its_file(name: str) -> None:
    sent = image_from_proto(to_message(Image.open(io.BytesIO(FILES[name]))))
    seen, expected = decode(sent, LIMITS), decode(EncodedImage(FILES[name]), LIMITS)
    assert seen.shape == expected.shape
    assert np.abs(seen.astype(int) - expected).max() <= 1  # two builds of libjpeg and libwebp


@pytest.mark.parametrize("mode", ["I;16", "I;16B", "I", "F"])
def test_pil_images_that_would_turn_white_or_black_are_refused(mode: str) -> None:
    with pytest.raises(InvalidType, match="8 bits") as caught:
        to_message(Image.new(mode, (4, 3)))
    assert mode in caught.value.message


def test_a_16_bit_png_opened_by_pillow_is_refused_and_the_advice_helps() -> None:
    data = saved(Image.fromarray(np.full((3, 4), 257 * 100, np.uint16)), "PNG")
    image = Image.open(io.BytesIO(data))
    with pytest.raises(InvalidType, match="// 257"):
        to_message(image)
    scaled = Image.fromarray((np.asarray(image) // 257).astype(np.uint8))
    assert set(to_message(scaled).raw.data) == {100}


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA", "LA", "PA", "CMYK", "YCbCr", "HSV", "RGBX"])
def test_pil_images_of_8_bits_are_sent(mode: str) -> None:
    image = RGB.convert("RGBA").convert(mode) if mode in {"PA", "LA"} else RGB.convert(mode)
    raw = to_message(image).raw
    assert raw.pixel_format == (pb.PIXEL_FORMAT_GRAY8 if mode == "L" else pb.PIXEL_FORMAT_RGB24)


@pytest.mark.parametrize("error", [TypeError, ZeroDivisionError, SyntaxError, IndexError])
def test_metadata_that_pillow_fails_on_are_a_fault_of_the_image(
    monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    def fail(*_: object) -> None:
        raise error("odd")

    monkeypatch.setattr("PIL.ImageOps.exif_transpose", fail)
    with pytest.raises(InvalidValue, match="metadata"):
        pil_pixels(RGB)


def test_a_broken_file_opened_by_pillow_is_an_os_error() -> None:
    with pytest.raises(OSError, match="truncated"):
        pil_pixels(Image.open(io.BytesIO(FILES["JPEG"][:-300])))


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"hello", id="no picture"),
        pytest.param(FILES["JPEG"][:-100], id="cut off"),
        pytest.param(FILES["lossy WebP"].replace(b"VP8 ", b"junk"), id="no pixels"),
    ],
)
def test_what_is_no_picture_is_none(data: bytes) -> None:
    assert decode_file(data) is None


def test_files_that_the_server_refuses_by_size_are_not_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_pixels, "_MAX_PIXELS", 64 * 48 - 1)
    assert decode_file(FILES["JPEG"]) is None


def test_errors_and_other_sizes_of_opencv_are_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cv2, "imdecode", lambda *_: np.zeros((1, 1, 3), np.uint8))
    assert decode_file(FILES["JPEG"]) is None

    def fail(*_: object) -> None:
        raise cv2.error("broken")

    monkeypatch.setattr(cv2, "imdecode", fail)
    assert decode_file(FILES["JPEG"]) is None


@pytest.mark.parametrize("orientation", range(1, 9))
def test_all_orientations(orientation: int) -> None:
    data = saved(RGB, "PNG", exif=rotated(orientation))
    pixels = decode_file(data)
    assert pixels is not None
    np.testing.assert_array_equal(pixels[..., ::-1], decode(EncodedImage(data), LIMITS))
