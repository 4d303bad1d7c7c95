"""Images of all kinds as messages."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from framewatch.v1 import framewatch_pb2 as pb
from framewatch_client._images import check_bytes, encode_jpeg, shrink_image, to_message, to_stream_message
from framewatch_core.errors import EmptyImage, ImageTooLarge


def encoded(pixels: np.ndarray, suffix: str) -> bytes:
    return cv2.imencode(suffix, pixels)[1].tobytes()


def pixels_of(data: bytes) -> np.ndarray:
    return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)


@pytest.mark.parametrize("kind", [str, Path, Path.read_bytes, lambda path: bytearray(path.read_bytes())])
def test_files_are_sent_as_they_are(picture_file: Path, kind: type) -> None:
    assert to_message(kind(picture_file)).encoded == picture_file.read_bytes()


@pytest.mark.parametrize(
    ("array", "pixel_format"),
    [
        (np.arange(24, dtype=np.uint8).reshape(2, 4, 3), pb.PIXEL_FORMAT_BGR24),
        (np.arange(8, dtype=np.uint8).reshape(2, 4), pb.PIXEL_FORMAT_GRAY8),
        (np.arange(8, dtype=np.uint8).reshape(2, 4, 1), pb.PIXEL_FORMAT_GRAY8),
        (np.arange(32, dtype=np.uint8).reshape(2, 4, 4), pb.PIXEL_FORMAT_BGRA32),
        (np.arange(96, dtype=np.uint8).reshape(4, 8, 3)[::2, ::2], pb.PIXEL_FORMAT_BGR24),
        (np.arange(24, dtype=np.uint8).reshape(2, 4, 3)[::-1, :, ::-1], pb.PIXEL_FORMAT_BGR24),
        (np.asfortranarray(np.arange(24, dtype=np.uint8).reshape(2, 4, 3)), pb.PIXEL_FORMAT_BGR24),
    ],
    ids=["BGR", "grey", "grey with an axis", "BGRA", "a view with gaps", "a view backwards", "column order"],
)
def test_arrays_are_sent_raw(array: np.ndarray, pixel_format: int) -> None:
    raw = to_message(array).raw
    assert (raw.width, raw.height, raw.pixel_format, raw.row_stride_bytes) == (4, 2, pixel_format, 0)
    assert raw.data == np.ascontiguousarray(array).tobytes()


@pytest.mark.parametrize(
    ("image", "expected", "match"),
    [
        (np.zeros((4, 4, 3), np.float32), TypeError, r"float32.*255"),
        (np.zeros((4, 4, 3), np.uint16), TypeError, "uint16"),
        (np.zeros((4, 4, 2), np.uint8), ValueError, "BGR"),
        (np.zeros((1, 4, 4, 3), np.uint8), ValueError, "BGR"),
        (np.zeros(4, np.uint8), ValueError, "BGR"),
        (np.zeros((0, 4, 3), np.uint8), ValueError, "nowhere 0"),
        (b"", EmptyImage, "empty"),
        (None, TypeError, "NoneType"),
        ([[0]], TypeError, "list"),
        ("no/such.png", FileNotFoundError, "no such image file"),
        (Path(), IsADirectoryError, "folder"),
    ],
    ids=[
        "floats",
        "16 bit",
        "2 channels",
        "a batch",
        "one axis",
        "no rows",
        "no bytes",
        "None",
        "list",
        "missing",
        "folder",
    ],
)
def test_invalid_images_are_refused(image: object, expected: type[Exception], match: str) -> None:
    with pytest.raises(expected, match=match):
        to_message(image)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("mode", "pixel_format", "data"),
    [
        ("RGB", pb.PIXEL_FORMAT_RGB24, bytes([10, 20, 30])),
        ("L", pb.PIXEL_FORMAT_GRAY8, bytes([18])),
        ("RGBA", pb.PIXEL_FORMAT_RGB24, bytes([10, 20, 30])),
    ],
)
def test_pil_images(mode: str, pixel_format: int, data: bytes) -> None:
    pil = pytest.importorskip("PIL.Image")
    raw = to_message(pil.new("RGB", (3, 2), (10, 20, 30)).convert(mode)).raw
    assert (raw.width, raw.height, raw.pixel_format) == (3, 2, pixel_format)
    assert raw.data == data * 6


def test_pil_images_are_put_upright() -> None:
    pil = pytest.importorskip("PIL.Image")
    image = pil.new("RGB", (3, 2))
    image.getexif()[0x0112] = 6  # lies on its side
    raw = to_message(image).raw
    assert (raw.width, raw.height) == (2, 3)


def test_pil_images_in_a_stream_keep_their_colours() -> None:
    pil = pytest.importorskip("PIL.Image")
    message = to_stream_message(pil.new("RGB", (64, 32), (200, 10, 30)), short_side=8, jpeg_quality=95)
    blue, green, red = pixels_of(message.encoded).reshape(-1, 3).mean(axis=0)
    assert (round(red), round(green), round(blue)) == (
        pytest.approx(200, abs=3),
        pytest.approx(10, abs=3),
        pytest.approx(30, abs=3),
    )


@pytest.mark.parametrize(
    ("shape", "short_side", "expected"),
    [
        ((48, 64, 3), 24, (24, 32, 3)),
        ((64, 48, 3), 24, (32, 24, 3)),
        ((48, 64), 24, (24, 32)),
        ((48, 64, 3), 48, (48, 64, 3)),
        ((48, 64, 3), 100, (48, 64, 3)),
        ((2, 1000, 3), 1, (1, 500, 3)),
    ],
    ids=["wide", "tall", "grey", "just right", "smaller", "a strip"],
)
def test_shrink(shape: tuple[int, ...], short_side: int, expected: tuple[int, ...]) -> None:
    assert shrink_image(np.zeros(shape, np.uint8), short_side).shape == expected


@pytest.mark.parametrize("shape", [(8, 8), (8, 8, 3), (8, 8, 4)], ids=["grey", "BGR", "BGRA"])
def test_jpeg_of_every_kind(shape: tuple[int, ...]) -> None:
    assert pixels_of(encode_jpeg(np.full(shape, 77, np.uint8), 90)).flat[0] == pytest.approx(77, abs=1)


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp"])
def test_large_files_are_shrunk(picture: np.ndarray, suffix: str) -> None:
    data = encoded(picture, suffix)
    assert pixels_of(to_stream_message(data, short_side=24, jpeg_quality=90).encoded).shape == (24, 32, 3)
    assert to_stream_message(data, short_side=48, jpeg_quality=90).encoded == data
    assert to_stream_message(data, short_side=None, jpeg_quality=90).encoded == data


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"hello",
        b"\xff\xd8\xffbroken",
        b"\x89PNG\r\n\x1a\nbroken",
        encoded(np.zeros((48, 64, 3), np.uint8), ".bmp"),
    ],
    ids=["nothing", "text", "broken JPEG", "broken PNG", "BMP"],
)
def test_files_that_the_server_refuses_are_sent_as_they_are(data: bytes) -> None:
    assert to_stream_message(data, short_side=8, jpeg_quality=90) == pb.Image(encoded=data)


def test_raw_in_a_stream(picture: np.ndarray) -> None:
    raw = to_stream_message(picture, short_side=24, jpeg_quality=None).raw
    assert (raw.width, raw.height, len(raw.data)) == (32, 24, 32 * 24 * 3)


def test_check_bytes(picture: np.ndarray) -> None:
    message = to_message(picture)
    check_bytes(message, 0)
    check_bytes(message, 48 * 64 * 3)
    with pytest.raises(ImageTooLarge, match=r"9,216 exceed the limit max_image_bytes of 9,215"):
        check_bytes(message, 48 * 64 * 3 - 1)


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp"])
def test_a_large_file_that_is_cut_off_is_sent_as_it_is_so_that_the_server_reports_it(
    picture: np.ndarray, suffix: str
) -> None:
    data = encoded(picture, suffix)[:-20]
    assert to_stream_message(data, short_side=24, jpeg_quality=90).encoded == data
