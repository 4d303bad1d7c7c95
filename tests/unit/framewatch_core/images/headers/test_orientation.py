"""The orientation of EXIF and XMP, and metadata that can't be read."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from framewatch_core.images.headers.orientation import read_orientation


def tiff(*entries: bytes, order: str = "<", start: int = 8) -> bytes:
    magic = b"II*\0" if order == "<" else b"MM\0*"
    directory = struct.pack(f"{order}H", len(entries)) + b"".join(entries) + b"\0" * 4
    return magic + struct.pack(f"{order}L", start) + b"\0" * (start - 8) + directory


def entry(value: int, *, order: str = "<", tag: int = 0x0112, kind: int = 3, count: int = 1) -> bytes:
    layout = "HHLHxx" if kind in {3, 8} else "HHLL"
    return struct.pack(order + layout, tag, kind, count, value)


@pytest.mark.parametrize(
    ("exif", "expected"),
    [
        pytest.param(tiff(entry(6)), 6, id="little-endian"),
        pytest.param(tiff(entry(6, order=">"), order=">"), 6, id="big-endian"),
        pytest.param(b"Exif\0\0" + tiff(entry(6)), 6, id="with its prefix"),
        pytest.param(b"Exif\0\0" * 2 + tiff(entry(6)), 6, id="with its prefix twice"),
        pytest.param(tiff(entry(6, kind=4)), 6, id="as a long number"),
        pytest.param(tiff(entry(3, tag=0x0100), entry(8)), 8, id="among others"),
        pytest.param(tiff(entry(3), entry(8)), 3, id="twice: the first"),
        pytest.param(tiff(entry(6, kind=8)), 6, id="as a signed number"),
        pytest.param(tiff(entry(8), start=100), 8, id="further behind"),
        pytest.param(tiff(), 1, id="without one"),
        pytest.param(tiff(entry(0)), 1, id="0"),
        pytest.param(tiff(entry(9)), 1, id="9"),
        pytest.param(tiff(entry(6, kind=2)), 1, id="as text"),
        pytest.param(tiff(entry(6, count=0)), 1, id="no value"),
        pytest.param(tiff(entry(6))[:-14], 1, id="cut off in the entry"),
        pytest.param(tiff(entry(6))[:8], 1, id="cut off before the directory"),
        pytest.param(struct.pack("<4sLH", b"II*\0", 8, 0xFFFF) + entry(6), 6, id="more entries than there are bytes"),
        pytest.param(struct.pack("<4sL", b"II*\0", 0xFFFFFFFF), 1, id="a directory outside"),
        pytest.param(b"Exif\0\0", 1, id="nothing but the prefix"),
        pytest.param(b"junk" * 9, 1, id="junk"),
    ],
)
def test_exif(exif: bytes, expected: int) -> None:
    assert read_orientation(exif, None) == expected


@pytest.mark.parametrize(
    ("exif", "xmp", "expected"),
    [
        pytest.param(None, b'<x tiff:Orientation="6"/>', 6, id="attribute"),
        pytest.param(None, b"<tiff:Orientation>8</tiff:Orientation>", 8, id="element"),
        pytest.param(tiff(entry(3)), b'tiff:Orientation="6"', 3, id="EXIF comes first"),
        pytest.param(tiff(), b'tiff:Orientation="6"', 6, id="EXIF without one"),
        pytest.param(None, b'tiff:Orientation="9"', 1, id="9"),
        pytest.param(None, b"nothing", 1, id="none"),
    ],
)
def test_xmp(exif: bytes | None, xmp: bytes, expected: int) -> None:
    assert read_orientation(exif, xmp) == expected


@given(st.binary(max_size=60).map(lambda rest: b"II*\0\x08\0\0\0" + rest), st.none() | st.binary(max_size=40))
def test_garbage_is_upright_or_turned_but_never_breaks(exif: bytes, xmp: bytes | None) -> None:
    assert read_orientation(exif, xmp) in range(1, 9)
