"""The walk over WebP files: what is decoded, and what is refused before it is."""

from __future__ import annotations

import pytest

from framewatch_core.errors import UndecodableImage
from framewatch_core.images.headers.webp import MAX_CHUNKS, read_webp
from tests.unit.framewatch_core.images.headers.files import animation_frame, canvas, lossless, lossy, riff_chunk, webp

ANIMATED = 2
EXIF = riff_chunk(b"EXIF", b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0")


@pytest.mark.parametrize(
    ("data", "is_animated"),
    [
        pytest.param(webp(lossy(30, 20)), False, id="lossy"),
        pytest.param(webp(lossless(30, 20)), False, id="lossless"),
        pytest.param(webp(canvas(30, 20), lossy(30, 20)), False, id="extended"),
        pytest.param(
            webp(canvas(30, 20), riff_chunk(b"ALPH", b"odd"), lossy(30, 20), EXIF), False, id="alpha and EXIF"
        ),
        pytest.param(
            webp(
                canvas(30, 20, ANIMATED), riff_chunk(b"ANIM", b"\0" * 6), animation_frame(10, 8, lossy(10, 8), 20, 12)
            ),
            True,
            id="animated",
        ),
        pytest.param(
            webp(canvas(30, 20, ANIMATED), animation_frame(30, 20, riff_chunk(b"ALPH", b"odd") + lossy(30, 20))),
            True,
            id="animated with alpha",
        ),
        pytest.param(webp(lossy(30, 20)) + b"behind the end", False, id="bytes behind the end"),
    ],
)
def test_pictures(data: bytes, is_animated: bool) -> None:
    header = read_webp(data)
    assert (header.width, header.height, header.is_unusual) == (30, 20, is_animated)
    assert header.picture_of(data) == data.removesuffix(b"behind the end")


def test_the_canvases_of_an_animation_are_counted() -> None:
    frame = animation_frame(30, 20, lossy(30, 20))
    assert read_webp(webp(canvas(30, 20, ANIMATED), frame)).decoder_bytes == 30 * 20 * 12
    assert read_webp(webp(canvas(30, 20), lossy(30, 20))).decoder_bytes == 0


@pytest.mark.parametrize(("flags", "expected"), [(8, (20, 30)), (0, (30, 20))], ids=["declared", "not declared"])
def test_the_orientation_is_read_if_the_header_says_that_there_is_one(flags: int, expected: tuple[int, int]) -> None:
    assert read_webp(webp(canvas(30, 20, flags), lossy(30, 20), EXIF)).upright_size == expected


BROKEN = {
    "a picture larger than the canvas": webp(canvas(8, 8), lossy(9_000, 9_000)),
    "a picture smaller than the canvas": webp(canvas(9_000, 9_000), lossless(8, 8)),
    "two pictures": webp(canvas(8, 8), lossy(8, 8), lossy(8, 8)),
    "two canvases": webp(canvas(8, 8), canvas(9, 9), lossy(8, 8)),
    "a canvas of the wrong length": webp(riff_chunk(b"VP8X", b"\0" * 9), lossy(8, 8)),
    "no picture": webp(canvas(8, 8)),
    "no frame of an animation": webp(canvas(8, 8, ANIMATED)),
    "a picture beside an animation": webp(canvas(8, 8, ANIMATED), lossy(8, 8)),
    "a frame outside the canvas": webp(canvas(8, 8, ANIMATED), animation_frame(8, 8, lossy(8, 8), left=2)),
    "a frame larger than the canvas": webp(canvas(8, 8, ANIMATED), animation_frame(9, 8, lossy(9, 8))),
    "a frame of another size than it says": webp(canvas(8, 8, ANIMATED), animation_frame(8, 8, lossy(9, 9))),
    "a frame without a picture": webp(canvas(8, 8, ANIMATED), animation_frame(8, 8, riff_chunk(b"junk", b"\0" * 12))),
    "a frame that is too short": webp(canvas(8, 8, ANIMATED), riff_chunk(b"ANMF", b"\0" * 9)),
    "an unknown first chunk": webp(riff_chunk(b"junk", b""), lossy(8, 8)),
    "a chunk of 4 GiB": webp(canvas(8, 8), b"XMP \xff\xff\xff\xff", lossy(8, 8)),
    "a lossy picture that is no key frame": webp(riff_chunk(b"VP8 ", b"\x11\0\0\x9d\x01\x2a" + b"\x08\0" * 8)),
    "a lossy picture without its start code": webp(riff_chunk(b"VP8 ", b"\x10\0\0" + b"\x08\0" * 8)),
    "a lossless picture without its signature": webp(riff_chunk(b"VP8L", b"\0" * 10)),
    "a picture of four bytes": webp(riff_chunk(b"VP8L", b"\x2f\0\0\0")),
    "a lossy picture of nine bytes": webp(riff_chunk(b"VP8 ", b"\x10\0\0\x9d\x01\x2a\x08\0\x08")),
    "too many chunks": webp(canvas(8, 8), lossy(8, 8), riff_chunk(b"junk", b"") * (MAX_CHUNKS + 1)),
    "cut off": webp(lossy(8, 8))[:-1],
}


@pytest.mark.parametrize("data", BROKEN.values(), ids=BROKEN)
def test_what_decoders_may_read_otherwise_is_refused(data: bytes) -> None:
    with pytest.raises(UndecodableImage):
        read_webp(data)
