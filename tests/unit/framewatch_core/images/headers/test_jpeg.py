"""The walk over JPEG files: what is decoded, and what is refused before it is."""

from __future__ import annotations

import struct
import sys

import pytest

from framewatch_core.errors import InvalidRequest, UndecodableImage, UnsupportedFormat
from framewatch_core.images.headers.jpeg import MAX_FILL_BYTES, MAX_SCANS, MAX_SEGMENTS, read_jpeg
from tests.unit.framewatch_core.images.headers.files import (
    APP1,
    COMMENT,
    EOI,
    RESTART,
    SOI,
    frame,
    jpeg,
    scan,
    segment,
)

FILL = b"\xff" * 9


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(jpeg(frame(), scan(1)), id="plain"),
        pytest.param(jpeg(FILL, frame(), FILL, scan(1), FILL), id="fill bytes before markers"),
        pytest.param(jpeg(b"\xff" * (MAX_FILL_BYTES - 1), frame(), scan(1)), id="as much fill as is allowed"),
        pytest.param(
            jpeg(frame(), scan(1, pixels=b"\x01" + RESTART + b"\xff\xff\x00\x02")), id="restarts and stuffing"
        ),
        pytest.param(jpeg(segment(COMMENT, EOI + frame(9, 9)), frame(), scan(1)), id="a comment with markers in it"),
        pytest.param(jpeg(segment(APP1, b"Exif\0\0" + SOI + frame(9, 9)), frame(), scan(1)), id="a thumbnail in EXIF"),
        pytest.param(jpeg(frame(marker=0xC2), scan(1), segment(0xC4), scan(1)), id="tables between scans"),
        pytest.param(jpeg(frame(), scan(1)) + jpeg(frame(9, 9), scan(1)), id="another picture behind the end"),
        pytest.param(jpeg(frame(), scan(1), segment(0xDC, b"\0\x09")), id="a number of lines after the scan"),
    ],
)
def test_the_size_is_that_of_the_one_frame_header(data: bytes) -> None:
    header = read_jpeg(data)
    assert (header.width, header.height) == (8, 8)


BROKEN = {
    "a stuffed zero between segments": jpeg(b"\xff\x00", frame(), scan(1)),
    "a hidden frame behind a stuffed zero": jpeg(
        frame(), b"\xff\x00" + struct.pack(">H", 2 + len(frame(9, 9))) + frame(9, 9), scan(1)
    ),
    "garbage between segments": jpeg(b"x", frame(), scan(1)),
    "a restart before the scan": jpeg(RESTART, frame(), scan(1)),
    "a second start": jpeg(SOI, frame(), scan(1)),
    "two frame headers": jpeg(frame(), frame(), scan(1)),
    "a frame header after a scan": jpeg(frame(), scan(1), frame(9, 9)),
    "a scan before the frame header": jpeg(scan(1), frame()),
    "no scan": jpeg(frame()),
    "no frame header": jpeg(segment(0xDB)),
    "a marker that libjpeg may skip": jpeg(frame(), scan(1), b"\xff\x05"),
    "a marker of an extension": jpeg(segment(0xF7), frame(), scan(1)),
    "a length of one": jpeg(b"\xff\xfe\x00\x01", frame(), scan(1)),
    "a segment beyond the end": jpeg(frame(), scan(1), b"\xff\xfe\xff\xff"),
    "no end": SOI + frame() + scan(1),
    "a short frame header": jpeg(segment(0xC0, b"\x08\0\x08\0\x08\x01"), scan(1)),
    "a component twice": jpeg(frame(components=(1, 1, 2)), scan(1)),
    "a scan of an unknown component": jpeg(frame(), scan(2)),
    "a scan header of the wrong length": jpeg(frame(), segment(0xDA, b"\x01\x01")),
    "a sampling factor of 0": jpeg(frame(sampling=0x10), scan(1)),
    "a sampling factor of 5": jpeg(frame(sampling=0x51), scan(1)),
    "too much fill between segments": jpeg(b"\xff" * (MAX_FILL_BYTES + 1), frame(), scan(1)),
    "too much fill in a scan": jpeg(frame(), scan(1, pixels=b"\0" + b"\xff" * MAX_FILL_BYTES + b"\0")),
    "too many segments": jpeg(*[segment(COMMENT)] * MAX_SEGMENTS, frame(), scan(1)),
}


@pytest.mark.parametrize("data", BROKEN.values(), ids=BROKEN)
def test_what_decoders_may_read_otherwise_is_refused(data: bytes) -> None:
    with pytest.raises(UndecodableImage):
        read_jpeg(data)


@pytest.mark.parametrize(
    ("data", "match"),
    [
        pytest.param(jpeg(frame(marker=0xC3), scan(1)), "lossless", id="lossless"),
        pytest.param(jpeg(frame(marker=0xC9), scan(1)), "arithmetic", id="arithmetic"),
        pytest.param(jpeg(frame(precision=12), scan(1)), "12 bits", id="12 bits"),
        pytest.param(jpeg(frame(components=(1, 2)), scan(1)), "2 components", id="two components"),
        pytest.param(jpeg(frame(marker=0xC2), *[scan(1)] * (MAX_SCANS + 1)), "scans", id="scans"),
        pytest.param(jpeg(frame(16_000, 16_000, marker=0xC2), *[scan(1)] * 12), "scans", id="scans of a large picture"),
    ],
)
def test_kinds_and_costs_that_no_camera_has_are_not_supported(data: bytes, match: str) -> None:
    with pytest.raises(UnsupportedFormat, match=match):
        read_jpeg(data)


def test_metadata_are_no_part_of_the_picture() -> None:
    colours, tables = segment(0xE0, b"JFIF\0") + segment(0xEE, b"Adobe"), segment(0xDB) + segment(0xC4)
    metadata = segment(APP1, b"Exif\0\0") + segment(0xE2, b"MPF\0") + segment(COMMENT, b"hello")
    data = jpeg(metadata, colours, metadata, tables, frame(), scan(1)) + b"behind the end"
    assert read_jpeg(data).picture_of(data) == jpeg(colours, tables, frame(), scan(1))


def test_a_file_that_is_all_picture_is_not_copied() -> None:
    data = jpeg(frame(), scan(1))
    assert read_jpeg(data).picture_of(data) is data


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        pytest.param(jpeg(frame(16, 9), scan(1)), 0, id="one scan: rows at a time"),
        pytest.param(jpeg(frame(16, 9, marker=0xC2), scan(1)), 4 * 128, id="progressive: all blocks"),
        pytest.param(
            jpeg(frame(16, 9, components=(1, 2, 3)), scan(1), scan(2), scan(3)),
            12 * 128,
            id="a scan for each component",
        ),
    ],
)
def test_the_coefficients_that_a_decoder_keeps_are_counted(data: bytes, expected: int) -> None:
    assert read_jpeg(data).decoder_bytes == expected


@pytest.mark.parametrize("count", [1, 3, 4])
def test_four_components_are_unusual(count: int) -> None:
    components = range(1, count + 1)
    assert read_jpeg(jpeg(frame(components=components), scan(*components))).is_unusual == (count == 4)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(jpeg(b"\xff" * 31_000_000, frame(), scan(1)), id="fill"),
        pytest.param(jpeg(frame(), scan(1, pixels=b"\xff" * 31_000_000)), id="fill in a scan"),
        pytest.param(jpeg(segment(COMMENT) * 7_000_000, frame(), scan(1)), id="comments"),
        pytest.param(jpeg(frame(marker=0xC2), scan(1, pixels=b"") * 2_000_000), id="scans"),
    ],
)
def test_the_walk_takes_a_bounded_number_of_steps(data: bytes) -> None:
    assert count_steps(data) < 60 * MAX_SEGMENTS


def count_steps(data: bytes) -> int:
    """Lines of Python that reading the header runs."""
    steps = 0

    def count(*_: object) -> object:
        nonlocal steps
        steps += 1
        return count

    sys.settrace(count)  # type: ignore[arg-type]
    try:
        read_jpeg(data)
    except InvalidRequest:
        pass
    finally:
        sys.settrace(None)
    return steps
