"""Headers of encoded images: format, size and completeness, before anything is decoded.

Limits are checked on these figures, so that an image of a few bytes with a gigapixel in its header costs nothing.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import Enum, auto

from framewatch_core.errors import UndecodableImage, UnsupportedFormat


class ImageFormat(Enum):
    """Formats of encoded images."""

    JPEG = auto()
    PNG = auto()
    WEBP = auto()


@dataclass(frozen=True, slots=True)
class ImageHeader:
    """Format and size of an encoded image.

    Attributes:
        format: of the file.
        width, height: in pixels as stored, before EXIF orientation.
        is_unusual: True for kinds that decoders read differently: a PNG without an alpha channel but with transparent
            colours, and a JPEG in CMYK.

    """

    format: ImageFormat
    width: int
    height: int
    is_unusual: bool = False

    @property
    def pixels(self) -> int:
        """Width times height."""
        return self.width * self.height


def read_header(data: bytes) -> ImageHeader:
    """Reads format and size from the first bytes, and checks the end.

    Raises:
        UnsupportedFormat: for no JPEG, PNG or WebP, or a 16-bit grey PNG.
        UndecodableImage: if the header is broken or the end is missing.

    """
    if data.startswith(b"\xff\xd8\xff"):
        kind, read = ImageFormat.JPEG, _read_jpeg
    elif data.startswith(b"\x89PNG\r\n\x1a\n"):
        kind, read = ImageFormat.PNG, _read_png
    elif data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        kind, read = ImageFormat.WEBP, _read_webp
    else:
        raise UnsupportedFormat(
            f"the bytes begin with {data[:8].hex(' ')}, which is no JPEG, PNG or WebP: encode it as one of them",
            "encoded",
        )
    try:
        width, height, is_unusual = read(data)
    except (struct.error, IndexError) as error:
        raise _broken(kind, "it ends inside its header") from error
    if width < 1 or height < 1:
        raise _broken(kind, f"its header has {width}×{height} pixels")
    return ImageHeader(kind, width, height, is_unusual)


def _broken(kind: ImageFormat, what: str) -> UndecodableImage:
    return UndecodableImage(f"the {kind.name} can't be decoded: {what}; send the whole file", "encoded")


# Start-of-frame markers hold the size: C0 to CF but for DHT (C4), JPG (C8) and DAC (CC).
_SOF_MARKERS = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_STANDALONE_MARKERS = frozenset({0x01, *range(0xD0, 0xD8)})
_START_OF_SCAN = 0xDA
_CMYK_COMPONENTS = 4
_END_OF_IMAGE = b"\xff\xd9"


def _read_jpeg(data: bytes) -> tuple[int, int, bool]:
    """Reads the segments (ITU T.81, B.1) up to the pixels; after them there must be the end marker.

    libjpeg fills missing pixels with grey and reports that to no caller.
    """
    position, found = 2, (0, 0, False)
    while True:
        if data[position] != 0xFF:
            raise _broken(ImageFormat.JPEG, f"byte {position} should begin a segment")
        marker = data[position + 1]
        if marker == 0xFF:  # there may be fill bytes before a marker
            position += 1
            continue
        position += 2
        if marker in _STANDALONE_MARKERS:
            continue
        (length,) = struct.unpack_from(">H", data, position)
        if marker in _SOF_MARKERS:
            height, width, components = struct.unpack_from(">HHB", data, position + 3)
            found = (width, height, components == _CMYK_COMPONENTS)
        if marker == _START_OF_SCAN:
            if data.find(_END_OF_IMAGE, position + length) < 0:
                raise _broken(ImageFormat.JPEG, "it is cut off before its end")
            return found
        position += length


def _read_png(data: bytes) -> tuple[int, int, bool]:
    """Reads IHDR, the first chunk (PNG specification, 11.2.2); IEND, the last, must be there."""
    if data[12:16] != b"IHDR":
        raise _broken(ImageFormat.PNG, "its first chunk is not IHDR")
    width, height, depth, colour = struct.unpack_from(">IIBB", data, 16)
    if depth == 16 and colour == 0:
        raise UnsupportedFormat(
            "the PNG has 16-bit grey pixels, whose range is a matter of convention: scale them to 8 bits", "encoded"
        )
    if data.find(b"IEND", 24) < 0:
        raise _broken(ImageFormat.PNG, "it is cut off before its end")
    return width, height, _has_transparent_colour(data)


def _has_transparent_colour(data: bytes) -> bool:
    """Returns True if there is a chunk tRNS; it has to be before the pixels."""
    return data.find(b"tRNS", 24, data.find(b"IDAT", 24)) > 0


def _read_webp(data: bytes) -> tuple[int, int, bool]:
    """Reads the first chunk (RFC 9649): VP8X (extended), VP8L (lossless) or VP8 (lossy)."""
    (riff_size,) = struct.unpack_from("<I", data, 4)
    chunk = data[12:16]
    if chunk == b"VP8X":
        bits = int.from_bytes(data[24:30], "little")
        size = (bits & 0xFFFFFF) + 1, (bits >> 24) + 1
    elif chunk == b"VP8L":
        (bits,) = struct.unpack_from("<I", data, 21)
        size = (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    elif chunk == b"VP8 ":
        width, height = struct.unpack_from("<HH", data, 26)
        size = width & 0x3FFF, height & 0x3FFF
    else:
        raise _broken(ImageFormat.WEBP, f"its first chunk is {chunk!r}")
    if len(data) < riff_size + 8:
        raise _broken(ImageFormat.WEBP, "it is cut off before its end")
    return *size, False
