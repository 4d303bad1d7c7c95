"""The walk over a PNG file (W3C PNG specification, third edition)."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

from framewatch_core.errors import UndecodableImage
from framewatch_core.images.headers.facts import ImageFormat, ImageHeader, Spans, broken, unsupported
from framewatch_core.images.headers.orientation import read_orientation

MAX_CHUNKS = 16_384
"""Chunks of a file; at 8 KiB a chunk, as libpng writes them, they are 128 MiB."""

_SIGNATURE_BYTES = 8
_CHUNK = struct.Struct(">I4s")  # length and name before the chunk's data
_CRC_BYTES = 4
_CRITICAL = frozenset({b"IHDR", b"PLTE", b"IDAT", b"IEND"})

_GREY, _RGB, _PALETTE, _GREY_ALPHA, _RGBA = 0, 2, 3, 4, 6
_DEPTHS = {_GREY: {1, 2, 4, 8, 16}, _RGB: {8, 16}, _PALETTE: {1, 2, 4, 8}, _GREY_ALPHA: {8, 16}, _RGBA: {8, 16}}
_TRANSPARENCY_BYTES = {_GREY: 2, _RGB: 6}

_XMP_KEYWORD = b"XML:com.adobe.xmp\0\0"  # not compressed


@dataclass(slots=True)
class _Walk:
    """State of one walk; `names` has the chunks so far that may come once."""

    data: bytes
    width: int = 0
    height: int = 0
    depth: int = 0
    colour: int = 0
    last: bytes = b""
    names: set[bytes] = field(default_factory=set)
    palette_entries: int = 0
    exif: bytes | None = None
    xmp: bytes | None = None
    parts: Spans = field(default_factory=Spans)


def read_png(data: bytes) -> ImageHeader:
    """Walks over all chunks to IEND.

    The parts are the picture's own chunks, without those of an animation: what is left is the default picture, which
    Pillow shows as well.

    Raises:
        UnsupportedFormat, UndecodableImage.

    """
    walk = _Walk(data)
    walk.parts.add(0, _SIGNATURE_BYTES)
    position = _SIGNATURE_BYTES
    for _ in range(MAX_CHUNKS):
        name, end = _read_chunk(data, position)
        _take_chunk(walk, name, position, end)
        position = end
        if name == b"IEND":
            return _header(walk)
    raise _broken(f"it has more than {MAX_CHUNKS:,} chunks")


def _header(walk: _Walk) -> ImageHeader:
    if b"IDAT" not in walk.names:
        raise _broken("it ends before its pixels")
    return ImageHeader(
        ImageFormat.PNG,
        walk.width,
        walk.height,
        walk.parts.all(),
        orientation=read_orientation(walk.exif, walk.xmp),
        is_unusual=bool(walk.names & {b"tRNS", b"acTL"}) or walk.depth == 16,
    )


def _read_chunk(data: bytes, position: int) -> tuple[bytes, int]:
    """Returns the chunk's name and its end."""
    if position + _CHUNK.size > len(data):
        raise _broken("it is cut off before its end")
    length, name = _CHUNK.unpack_from(data, position)
    end = position + _CHUNK.size + length + _CRC_BYTES
    if end > len(data):
        raise _broken(f"the chunk at byte {position:,} ends outside the file: it is cut off or damaged")
    return name, end


def _take_chunk(walk: _Walk, name: bytes, start: int, end: int) -> None:
    body = (start + _CHUNK.size, end - _CRC_BYTES)
    if (name == b"IHDR") != (not walk.last):
        raise _broken("IHDR is not its first chunk alone")
    if name == b"IHDR":
        _take_size(walk, body)
    elif name == b"PLTE":
        _take_palette(walk, body)
    elif name == b"tRNS":
        _take_transparency(walk, body)
    elif name == b"IDAT":
        _check_pixels(walk)
    elif name not in _CRITICAL:
        _take_ancillary(walk, name, body)
    if name in _CRITICAL or name == b"tRNS":
        walk.parts.add(start, end)
    walk.last = name
    walk.names.add(name)


def _take_size(walk: _Walk, body: tuple[int, int]) -> None:
    if body[1] - body[0] != 13:
        raise _broken("IHDR has the wrong length")
    fields = struct.unpack_from(">IIBBBBB", walk.data, body[0])
    walk.width, walk.height, walk.depth, walk.colour = fields[:4]
    if walk.depth not in _DEPTHS.get(walk.colour, ()) or fields[4:6] != (0, 0) or fields[6] > 1:
        raise _broken("IHDR has values that PNG doesn't define")
    if walk.depth == 16 and walk.colour == _GREY:
        raise unsupported(
            ImageFormat.PNG, "it has 16-bit grey pixels, whose range is a matter of convention: scale them to 8 bits"
        )


def _take_palette(walk: _Walk, body: tuple[int, int]) -> None:
    entries, rest = divmod(body[1] - body[0], 3)
    if rest or not 1 <= entries <= 256 or walk.names & {b"PLTE", b"tRNS", b"IDAT"}:
        raise _broken("its palette is misplaced or of the wrong length")
    walk.palette_entries = entries


def _take_transparency(walk: _Walk, body: tuple[int, int]) -> None:
    length = body[1] - body[0]
    fits = (
        1 <= length <= walk.palette_entries
        if walk.colour == _PALETTE
        else length == _TRANSPARENCY_BYTES.get(walk.colour)
    )
    if not fits or walk.names & {b"tRNS", b"IDAT"}:
        raise _broken("its transparency is misplaced or of the wrong length")


def _check_pixels(walk: _Walk) -> None:
    if walk.colour == _PALETTE and not walk.palette_entries:
        raise _broken("it has no palette before its pixels")
    if b"IDAT" in walk.names and walk.last != b"IDAT":
        raise _broken("other chunks lie between those of its pixels")


def _take_ancillary(walk: _Walk, name: bytes, body: tuple[int, int]) -> None:
    if not name.isalpha() or name[:1].isupper():
        raise _broken(f"it has a chunk {name.hex(' ')}, which PNG doesn't define")
    if name == b"eXIf":
        walk.exif = walk.data[slice(*body)]
    elif name == b"iTXt" and walk.data.startswith(_XMP_KEYWORD, body[0]):
        walk.xmp = walk.data[slice(*body)]


def _broken(what: str) -> UndecodableImage:
    return broken(ImageFormat.PNG, what)
