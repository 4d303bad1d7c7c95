"""The walk over a JPEG file (ITU T.81, annex B), as libjpeg follows it."""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass, field

from framewatch_core.errors import UndecodableImage
from framewatch_core.images.headers.facts import ImageFormat, ImageHeader, Spans, broken, unsupported
from framewatch_core.images.headers.orientation import read_orientation

MAX_SEGMENTS = 1024
"""Segments of a file; an optimised progressive one has about 40."""

MAX_SCANS = 100
"""Scans of a file; encoders make up to about 20."""

MAX_BLOCK_VISITS = 40_000_000
"""Blocks of 8 × 8 samples over all scans; 50 megapixels with full colour resolution have 11 million in ten scans.

A decoder visits every block in each scan, however few bytes that scan has: about 15 ns each.
"""

MAX_FILL_BYTES = 65_536
"""Fill bytes in a row, before a marker or inside a scan."""

# A scan's pixels go up to the next marker that is neither a stuffed zero nor a restart marker.
_NEXT_MARKER = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")
# The search holds the interpreter: 2 ms for a window of the worst bytes.
_WINDOW_BYTES = 131_072
_LONG_FILL = b"\xff" * MAX_FILL_BYTES

_MARKER = re.compile(rb"\xff{1,%d}([^\xff])" % MAX_FILL_BYTES)

_EOI, _SOS, _APP0, _APP1, _APP14, _COM = 0xD9, 0xDA, 0xE0, 0xE1, 0xEE, 0xFE
_BASELINE, _EXTENDED, _PROGRESSIVE = 0xC0, 0xC1, 0xC2
# Start-of-frame markers: C0 to CF but for DHT (C4), JPG (C8) and DAC (CC)
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
# DHT, DQT, DNL and DRI; decoders need them
_TABLES = frozenset({0xC4, 0xDB, 0xDC, 0xDD})
_METADATA = (frozenset(range(0xE0, 0xF0)) | {_COM}) - {_APP0, _APP14}
# They tell in which colours the components are: JFIF's and Adobe's
_COLOURS = frozenset({_APP0, _APP14})

_EXIF_NAME, _XMP_NAME = b"Exif\0\0", b"http://ns.adobe.com/xap/1.0/\0"
_COEFFICIENT_BYTES = 2 * 64  # of a block

# libjpeg-turbo's own interface (simplejpeg) reads these: luma's factors, with 1 × 1 for both others
_USUAL_SAMPLING = frozenset({(1, 1), (2, 1), (1, 2), (2, 2), (4, 1), (1, 4)})


@dataclass(frozen=True, slots=True)
class _Frame:
    """A start-of-frame segment: size, and blocks of each component by its id; `is_unusual`: see `ImageHeader`."""

    width: int
    height: int
    is_progressive: bool
    is_unusual: bool
    blocks: tuple[tuple[int, int], ...]

    def blocks_of(self, ids: bytes) -> int:
        """Returns the number of blocks of the components with those ids."""
        return sum(blocks for component, blocks in self.blocks if component in ids)


@dataclass(slots=True)
class _Walk:
    """State of one walk."""

    data: bytes
    position: int = 2
    frame: _Frame | None = None
    scans: int = 0
    visits: int = 0
    exif: bytes | None = None
    xmp: bytes | None = None
    parts: Spans = field(default_factory=Spans)


def read_jpeg(data: bytes) -> ImageHeader:
    """Walks over all segments and scans to the end marker.

    libjpeg fills missing pixels with grey and reports that to no caller, so the end marker must be there. Bytes between
    segments that are no fill bytes are refused: libjpeg skips them, other decoders don't.

    Raises:
        UnsupportedFormat, UndecodableImage.

    """
    walk = _Walk(data)
    walk.parts.add(0, walk.position)
    for _ in range(MAX_SEGMENTS):
        start, marker = walk.position, _read_marker(walk)
        if marker == _EOI:
            return _header(walk, start)
        _take_segment(walk, start, marker)
    raise _broken(f"it has more than {MAX_SEGMENTS:,} segments")


def _header(walk: _Walk, end: int) -> ImageHeader:
    if walk.frame is None or not walk.scans:
        raise _broken("it ends before its pixels")
    walk.parts.add(end, walk.position)
    frame = walk.frame
    blocks = sum(count for _, count in frame.blocks)
    return ImageHeader(
        ImageFormat.JPEG,
        frame.width,
        frame.height,
        walk.parts.all(),
        orientation=read_orientation(walk.exif, walk.xmp),
        is_unusual=frame.is_unusual,
        decoder_bytes=blocks * _COEFFICIENT_BYTES if frame.is_progressive or walk.scans > 1 else 0,
    )


def _read_marker(walk: _Walk) -> int:
    """Returns the next marker, past its fill bytes."""
    found = _MARKER.match(walk.data, walk.position)
    if found is None:
        if len(walk.data) - walk.position < 2:
            raise _broken("it is cut off before its end")
        raise _broken(f"byte {walk.position:,} should begin a segment")
    walk.position = found.end()
    return found[1][0]


def _take_segment(walk: _Walk, start: int, marker: int) -> None:
    """Takes the segment whose first fill byte is at `start`."""
    body = _read_body(walk, marker)
    if marker in _FRAMES:
        if walk.frame is not None:
            raise _broken("it has two frame headers")
        walk.frame = _read_frame(marker, body)
    elif marker == _SOS:
        _take_scan(walk, body)
    elif marker == _APP1:
        _take_metadata(walk, body)
    elif marker not in _TABLES | _METADATA | _COLOURS:
        raise _broken(f"the marker {marker:02X} at byte {start:,} is none of a picture's")
    if marker not in _METADATA:
        walk.parts.add(start, walk.position)


def _read_body(walk: _Walk, marker: int) -> bytes:
    """Returns the segment without marker and length, and moves behind it."""
    if marker < 0xC0 or 0xD0 <= marker <= 0xD8:  # a stuffed zero and markers that have no length
        raise _broken(f"the marker {marker:02X} before byte {walk.position:,} doesn't belong between segments")
    if walk.position + 2 > len(walk.data):
        raise _broken("it is cut off before its end")
    (length,) = struct.unpack_from(">H", walk.data, walk.position)
    end = walk.position + length
    if length < 2 or end > len(walk.data):
        raise _broken(f"the segment before byte {walk.position:,} ends outside the file")
    body = walk.data[walk.position + 2 : end]
    walk.position = end
    return body


def _read_frame(marker: int, body: bytes) -> _Frame:
    if marker not in {_BASELINE, _EXTENDED, _PROGRESSIVE}:
        raise unsupported(
            ImageFormat.JPEG, "it is lossless, hierarchical or arithmetic-coded: encode it as baseline or progressive"
        )
    if len(body) < 6 or len(body) != 6 + 3 * body[5]:
        raise _broken("its frame header has the wrong length")
    precision, height, width, count = struct.unpack_from(">BHHB", body)
    if precision != 8:
        raise unsupported(ImageFormat.JPEG, f"it has {precision} bits a sample: encode it with 8")
    if count not in {1, 3, 4}:
        raise unsupported(ImageFormat.JPEG, f"it has {count} components: encode it as grey, RGB or CMYK")
    components = [(body[i], body[i + 1] >> 4, body[i + 1] & 15) for i in range(6, len(body), 3)]
    if any(not (1 <= h <= 4 and 1 <= v <= 4) for _, h, v in components):
        raise _broken("its frame header has sampling factors outside 1 to 4")
    if len({component for component, _, _ in components}) != count:
        raise _broken("two of its components have one id")
    blocks = _blocks(width, height, components)
    return _Frame(width, height, marker == _PROGRESSIVE, _is_unusual(components), blocks)


def _is_unusual(components: list[tuple[int, int, int]]) -> bool:
    """Returns True for CMYK, and for sampling factors that cameras don't use."""
    if len(components) != 3:
        return len(components) == 4
    luma, *chroma = ((h, v) for _, h, v in components)
    return luma not in _USUAL_SAMPLING or chroma != [(1, 1), (1, 1)]


def _blocks(width: int, height: int, components: list[tuple[int, int, int]]) -> tuple[tuple[int, int], ...]:
    """Returns each component's id and number of blocks, those that fill up the last units with them."""
    most_h, most_v = (max(component[i] for component in components) for i in (1, 2))
    units = -(-width // (8 * most_h)) * -(-height // (8 * most_v))
    return tuple((component, units * h * v) for component, h, v in components)


def _take_scan(walk: _Walk, body: bytes) -> None:
    """Takes a scan's header (B.2.3) and moves behind its pixels."""
    if walk.frame is None:
        raise _broken("its first scan comes before the frame header")
    if not body or not 1 <= body[0] <= 4 or len(body) != 4 + 2 * body[0]:
        raise _broken("a scan's header has the wrong length")
    ids = body[1 : 1 + 2 * body[0] : 2]
    if not set(ids) <= {component for component, _ in walk.frame.blocks}:
        raise _broken("a scan has a component that the frame header lacks")
    walk.scans += 1
    walk.visits += walk.frame.blocks_of(ids)
    if walk.scans > MAX_SCANS or (walk.scans > 1 and walk.visits > MAX_BLOCK_VISITS):
        raise unsupported(ImageFormat.JPEG, "it has more scans than any encoder makes: encode it as baseline")
    walk.position = _end_of_pixels(walk.data, walk.position)


def _end_of_pixels(data: bytes, position: int) -> int:
    """Returns the position of the marker behind entropy-coded bytes."""
    start = position
    while position < len(data):
        # one byte more: the marker may begin with the window's last byte
        if (found := _NEXT_MARKER.search(data, position, position + _WINDOW_BYTES + 1)) is not None:
            if data.find(_LONG_FILL, start, found.start()) >= 0:
                raise _broken(f"a scan has more than {MAX_FILL_BYTES:,} fill bytes in a row")
            return found.start()
        if data.startswith(_LONG_FILL, position):
            raise _broken(f"a scan has more than {MAX_FILL_BYTES:,} fill bytes in a row")
        position += _WINDOW_BYTES
    raise _broken("it is cut off before its end")


def _take_metadata(walk: _Walk, body: bytes) -> None:
    if walk.exif is None and body.startswith(_EXIF_NAME):
        walk.exif = body
    elif body.startswith(_XMP_NAME):
        walk.xmp = body


def _broken(what: str) -> UndecodableImage:
    return broken(ImageFormat.JPEG, what)
