"""Headers against Pillow's reading of them, and what is refused."""

from __future__ import annotations

import io
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from framewatch_core.errors import InvalidRequest, UndecodableImage, UnsupportedFormat
from framewatch_core.images.header import ImageFormat, read_header


def file(width: int = 37, height: int = 23, kind: str = "JPEG", mode: str = "RGB", **options: object) -> bytes:
    pixels = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).convert(mode).save(buffer, kind, **options)  # type: ignore[arg-type]
    return buffer.getvalue()


def grey_16_bit_png() -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(np.zeros((3, 3), np.uint16)).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        pytest.param("JPEG", {}, id="baseline JPEG"),
        pytest.param("JPEG", {"progressive": True}, id="progressive JPEG"),
        pytest.param("JPEG", {"comment": b"\xff\xd9" * 9}, id="JPEG with end markers in its comment"),
        pytest.param("JPEG", {"mode": "CMYK"}, id="CMYK JPEG"),
        pytest.param("PNG", {}, id="PNG"),
        pytest.param("PNG", {"mode": "P"}, id="palette PNG"),
        pytest.param("WEBP", {}, id="lossy WebP"),
        pytest.param("WEBP", {"lossless": True}, id="lossless WebP"),
        pytest.param("WEBP", {"mode": "RGBA"}, id="extended WebP"),
    ],
)
@pytest.mark.parametrize("size", [(1, 1), (37, 23), (300, 1), (1, 300)], ids=str)
def test_format_and_size(kind: str, options: dict[str, object], size: tuple[int, int]) -> None:
    header = read_header(file(*size, kind, **options))  # type: ignore[arg-type]
    assert header.format is ImageFormat[kind]
    assert (header.width, header.height) == size


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"x", id="a letter"),
        pytest.param(b"GIF89a" + b"\0" * 50, id="GIF"),
        pytest.param(b"BM" + b"\0" * 50, id="BMP"),
        pytest.param(b"RIFF\0\0\0\0WAVE", id="another RIFF"),
        pytest.param(b"\0\0\0\x1cftypavif" + b"\0" * 50, id="AVIF"),
        pytest.param(grey_16_bit_png(), id="16-bit grey PNG"),
    ],
)
def test_other_formats_are_refused(data: bytes) -> None:
    with pytest.raises(UnsupportedFormat):
        read_header(data)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_file_cut_off_anywhere_is_refused(kind: str) -> None:
    data = file(kind=kind)
    for length in range(12, len(data) - 12):
        with pytest.raises(UndecodableImage):
            read_header(data[:length])


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_bytes_behind_the_end_do_no_harm(kind: str) -> None:
    assert read_header(file(kind=kind) + b"\0" * 100).width == 37


def test_a_claim_of_zero_pixels_is_refused() -> None:
    data = bytearray(file(kind="PNG"))
    data[16:20] = struct.pack(">I", 0)
    with pytest.raises(UndecodableImage, match="0×23"):
        read_header(bytes(data))


@given(st.binary(max_size=200), st.sampled_from([b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"RIFF\0\0\0\0WEBP", b""]))
def test_garbage_is_refused_or_read_but_never_breaks(data: bytes, magic: bytes) -> None:
    try:
        header = read_header(magic + data)
    except InvalidRequest:
        return
    assert header.pixels >= 1
