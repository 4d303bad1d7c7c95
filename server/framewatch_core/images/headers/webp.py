"""The walk over a WebP file (RFC 9649; RFC 6386, 9.1, for the lossy frame)."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from framewatch_core.errors import UndecodableImage
from framewatch_core.images.headers.facts import ImageFormat, ImageHeader, broken
from framewatch_core.images.headers.orientation import read_orientation

MAX_CHUNKS = 16_384
"""Chunks of a file; each frame of an animation is one."""

_CHUNK = struct.Struct("<4sI")  # name and length before the chunk's data
_HEADER_BYTES = 12
_CANVAS_BYTES = 10
_FRAME_BYTES = 16
_ANIMATION, _XMP, _EXIF = 0x02, 0x04, 0x08  # flags; libwebp ignores metadata without theirs
_CANVAS_BYTES_PER_PIXEL = 3 * 4  # libwebp's two canvases of an animation, and the copy that it returns
_LOSSY_START = b"\x9d\x01\x2a"
_LOSSLESS_START = 0x2F
_PICTURES = frozenset({b"VP8 ", b"VP8L"})

Size = tuple[int, int]


@dataclass(slots=True)
class _Extended:
    """State of the walk over an extended file."""

    canvas: Size
    flags: int
    picture: Size | None = None
    exif: bytes | None = None
    xmp: bytes | None = None

    @property
    def is_animated(self) -> bool:
        """True if the pictures are frames of an animation."""
        return bool(self.flags & _ANIMATION)


def read_webp(data: bytes) -> ImageHeader:
    """Walks over all chunks of the RIFF container.

    Raises:
        UndecodableImage.

    """
    (riff_size,) = struct.unpack_from("<I", data, 4)
    end = riff_size + 8
    if end > len(data):
        raise _broken("it is cut off before its end")
    name, start, stop = _read_chunk(data, _HEADER_BYTES, end)
    if name in _PICTURES:
        width, height = _picture_size(data, name, start, stop)
        return ImageHeader(ImageFormat.WEBP, width, height, ((0, end),))
    if name != b"VP8X":
        raise _broken("its first chunk is neither VP8, VP8L nor VP8X")
    return _read_extended(data, start, stop, end)


def _read_extended(data: bytes, start: int, stop: int, end: int) -> ImageHeader:
    if stop - start != _CANVAS_BYTES:
        raise _broken("VP8X has the wrong length")
    file = _Extended(_size_less_one(data, start + 4), data[start])
    position = _next(stop)
    for _ in range(MAX_CHUNKS):
        if position >= end:
            break
        name, start, stop = _read_chunk(data, position, end)
        _take_chunk(file, data, name, start, stop)
        position = _next(stop)
    else:
        raise _broken(f"it has more than {MAX_CHUNKS:,} chunks")
    if file.picture is None:
        raise _broken("it ends before its pixels")
    return ImageHeader(
        ImageFormat.WEBP,
        *file.canvas,
        ((0, end),),
        orientation=read_orientation(file.exif, file.xmp),
        is_unusual=file.is_animated,
        decoder_bytes=file.canvas[0] * file.canvas[1] * _CANVAS_BYTES_PER_PIXEL if file.is_animated else 0,
    )


def _take_chunk(file: _Extended, data: bytes, name: bytes, start: int, stop: int) -> None:
    if name in {b"VP8X", b"RIFF"}:
        raise _broken("it has two headers")
    if name == b"ANMF" and file.is_animated:
        _take_frame(file, data, start, stop)
    elif name in _PICTURES:
        if file.is_animated or file.picture is not None:
            raise _broken("it has more pictures than its header says")
        file.picture = _picture_size(data, name, start, stop)
        if file.picture != file.canvas:
            raise _broken("the picture is not as large as the canvas")
    elif name == b"EXIF" and file.flags & _EXIF and file.exif is None:
        file.exif = data[start:stop]
    elif name == b"XMP " and file.flags & _XMP and file.xmp is None:
        file.xmp = data[start:stop]


def _take_frame(file: _Extended, data: bytes, start: int, stop: int) -> None:
    """Takes a frame of an animation, which has to lie inside the canvas."""
    if stop - start < _FRAME_BYTES + _CHUNK.size:
        raise _broken("a frame of its animation has the wrong length")
    left, top = (2 * int.from_bytes(data[at : at + 3], "little") for at in (start, start + 3))
    width, height = _size_less_one(data, start + 6)
    if left + width > file.canvas[0] or top + height > file.canvas[1]:
        raise _broken("a frame of its animation lies outside the canvas")
    end, (name, start, stop) = stop, _read_chunk(data, start + _FRAME_BYTES, stop)
    if name == b"ALPH":
        name, start, stop = _read_chunk(data, _next(stop), end)
    if name not in _PICTURES or _picture_size(data, name, start, stop) != (width, height):
        raise _broken("a frame of its animation has another size than it says")
    file.picture = file.picture or (width, height)


def _picture_size(data: bytes, name: bytes, start: int, stop: int) -> Size:
    """Returns width and height of a lossy or lossless picture."""
    if (stop - start < 10 and name == b"VP8 ") or stop - start < 5:
        raise _broken("it is cut off inside its picture")
    if name == b"VP8L":
        if data[start] != _LOSSLESS_START:
            raise _broken("its lossless picture has no signature")
        (bits,) = struct.unpack_from("<I", data, start + 1)
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if data[start] & 1 or data[start + 3 : start + 6] != _LOSSY_START:
        raise _broken("its lossy picture is no key frame")
    width, height = struct.unpack_from("<HH", data, start + 6)
    return width & 0x3FFF, height & 0x3FFF


def _size_less_one(data: bytes, at: int) -> Size:
    """Returns width and height, stored as 24 bits each less one."""
    width, height = (int.from_bytes(data[i : i + 3], "little") + 1 for i in (at, at + 3))
    return width, height


def _read_chunk(data: bytes, position: int, end: int) -> tuple[bytes, int, int]:
    """Returns the name of the chunk, and the first byte and end of its data."""
    start = position + _CHUNK.size
    if start > end:
        raise _broken("it is cut off before its end")
    name, length = _CHUNK.unpack_from(data, position)
    if start + length > end:
        raise _broken(f"the chunk at byte {position:,} ends outside the file: it is cut off or damaged")
    return name, start, start + length


def _next(stop: int) -> int:
    """Returns where the next chunk begins: at an even byte."""
    return stop + (stop & 1)


def _broken(what: str) -> UndecodableImage:
    return broken(ImageFormat.WEBP, what)
