"""The walk over PNG files: what is decoded, and what is refused before it is."""

from __future__ import annotations

import struct
from functools import partial

import pytest

from framewatch_core.errors import UndecodableImage, UnsupportedFormat
from framewatch_core.images.headers.png import MAX_CHUNKS, read_png
from tests.unit.framewatch_core.images.headers.files import IEND, SIGNATURE, chunk, idat, ihdr, png

PLTE = chunk(b"PLTE", b"\0" * 30)
PALETTE = partial(ihdr, colour=3)
TEXT = chunk(b"tEXt", b"a\0b")


@pytest.mark.parametrize(
    ("data", "is_unusual"),
    [
        pytest.param(png(ihdr(), idat()), False, id="plain"),
        pytest.param(png(ihdr(), TEXT, idat(), TEXT), False, id="texts"),
        pytest.param(png(ihdr(), idat(), idat()), False, id="pixels in two chunks"),
        pytest.param(png(PALETTE(), PLTE, idat()), False, id="palette"),
        pytest.param(png(ihdr(), PLTE, idat()), False, id="a suggested palette"),
        pytest.param(png(PALETTE(), PLTE, chunk(b"tRNS", b"\0" * 10), idat()), True, id="transparent entries"),
        pytest.param(png(ihdr(), chunk(b"tRNS", b"\0" * 6), idat()), True, id="a transparent colour"),
        pytest.param(png(ihdr(colour=0), chunk(b"tRNS", b"\0\0"), idat()), True, id="a transparent level"),
        pytest.param(png(ihdr(depth=16), idat()), True, id="16 bits"),
        pytest.param(png(ihdr(depth=16, colour=4), idat()), True, id="16 bits of grey and alpha"),
        pytest.param(png(ihdr(), chunk(b"acTL", b"\0" * 8), idat()), True, id="animated"),
        pytest.param(png(ihdr(), idat()) + b"behind the end", False, id="bytes behind the end"),
        pytest.param(png(ihdr(), idat(), chunk(b"iCCP", b"\0")), False, id="a profile after the pixels"),
    ],
)
def test_pictures(data: bytes, is_unusual: bool) -> None:
    header = read_png(data)
    assert (header.width, header.height, header.is_unusual) == (8, 8, is_unusual)


BROKEN = {
    "a chunk of 4 GiB": png(ihdr(), chunk(b"tEXt", b"a", length=0xFFFFFFFF), idat()),
    "a chunk that is longer than the file": png(ihdr(), chunk(b"tEXt", b"a", length=500), idat()),
    "two headers": png(ihdr(), ihdr(9, 9), idat()),
    "a header after the pixels": png(ihdr(), idat(), ihdr(9, 9)),
    "a header that is not first": png(TEXT, ihdr(), idat()),
    "a header that is too long": png(chunk(b"IHDR", b"\0" * 14), idat()),
    "a depth of 3": png(ihdr(depth=3), idat()),
    "a colour type of 5": png(ihdr(colour=5), idat()),
    "a depth that the colour type lacks": png(ihdr(depth=4), idat()),
    "an unknown compression": png(ihdr(rest=b"\1\0\0"), idat()),
    "an unknown filter": png(ihdr(rest=b"\0\1\0"), idat()),
    "an unknown interlacing": png(ihdr(rest=b"\0\0\2"), idat()),
    "no pixels": png(ihdr()),
    "no end": SIGNATURE + ihdr() + idat(),
    "chunks between the pixels": png(ihdr(), idat(), TEXT, idat()),
    "no palette": png(PALETTE(), idat()),
    "a palette after the pixels": png(PALETTE(), PLTE, idat(), PLTE),
    "two palettes": png(PALETTE(), PLTE, PLTE, idat()),
    "a palette of a third of a colour": png(PALETTE(), chunk(b"PLTE", b"\0"), idat()),
    "a palette of 257 colours": png(PALETTE(), chunk(b"PLTE", b"\0" * 771), idat()),
    "transparency before the palette": png(PALETTE(), chunk(b"tRNS", b"\0"), PLTE, idat()),
    "more transparent entries than colours": png(PALETTE(), PLTE, chunk(b"tRNS", b"\0" * 11), idat()),
    "transparency after the pixels": png(ihdr(), idat(), chunk(b"tRNS", b"\0" * 6)),
    "transparency beside alpha": png(ihdr(colour=6), chunk(b"tRNS", b"\0" * 6), idat()),
    "transparency of the wrong length": png(ihdr(), chunk(b"tRNS", b"\0"), idat()),
    "an unknown critical chunk": png(ihdr(), chunk(b"CgBI", b"\0" * 4), idat()),
    "a chunk with digits in its name": png(ihdr(), chunk(b"t3Xt"), idat()),
    "a million texts": SIGNATURE + ihdr() + TEXT * 1_000_000 + idat() + IEND,
    "20,000 compressed texts": SIGNATURE + ihdr() + chunk(b"zTXt", b"a\0\0") * 20_000 + idat() + IEND,
    "a million empty chunks of pixels": SIGNATURE + ihdr() + chunk(b"IDAT") * 1_000_000 + IEND,
}


@pytest.mark.parametrize("data", BROKEN.values(), ids=BROKEN)
def test_what_decoders_may_read_otherwise_is_refused(data: bytes) -> None:
    with pytest.raises(UndecodableImage):
        read_png(data)


def test_sixteen_bit_grey_is_not_supported() -> None:
    with pytest.raises(UnsupportedFormat, match="8 bits"):
        read_png(png(ihdr(depth=16, colour=0), idat()))


def test_the_parts_are_the_default_picture_alone() -> None:
    control = chunk(b"acTL", struct.pack(">II", 2, 0)) + chunk(b"fcTL", b"\0" * 26)
    data = png(ihdr(), TEXT, control, PLTE, chunk(b"iCCP", b"\0"), idat(), idat(), control, chunk(b"fdAT", b"\0" * 9))
    assert read_png(data).picture_of(data) == png(ihdr(), PLTE, idat(), idat())


def test_there_may_be_as_many_chunks_as_an_encoder_writes() -> None:
    chunks = [chunk(b"IDAT")] * (MAX_CHUNKS - 2)
    assert read_png(png(ihdr(), *chunks)).parts == ((0, 8 + 25 + 12 * (MAX_CHUNKS - 1)),)
