"""Headers of encoded images: format, size and completeness, before anything is decoded.

Limits are checked on these figures, so that an image of a few bytes with a gigapixel in its header costs nothing. What
is accepted here is decoded to exactly this size, or not at all.
"""

from __future__ import annotations

import struct

from framewatch_core.errors import UnsupportedFormat
from framewatch_core.images.headers.facts import ImageFormat, ImageHeader, broken
from framewatch_core.images.headers.jpeg import read_jpeg
from framewatch_core.images.headers.png import read_png
from framewatch_core.images.headers.webp import read_webp

__all__ = ["ImageFormat", "ImageHeader", "read_header"]


def read_header(data: bytes) -> ImageHeader:
    """Reads format and size, and walks over the file to its end.

    Raises:
        UnsupportedFormat: for no JPEG, PNG or WebP, or a kind of these that decoders don't read alike.
        UndecodableImage: if the file is broken, or has more segments, chunks or scans than a picture needs.

    """
    if data.startswith(b"\xff\xd8\xff"):
        kind, read = ImageFormat.JPEG, read_jpeg
    elif data.startswith(b"\x89PNG\r\n\x1a\n"):
        kind, read = ImageFormat.PNG, read_png
    elif data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        kind, read = ImageFormat.WEBP, read_webp
    else:
        raise UnsupportedFormat(
            f"the bytes begin with {data[:8].hex(' ')}, which is no JPEG, PNG or WebP: encode it as one of them",
            "encoded",
        )
    try:
        header = read(data)
    except (struct.error, IndexError) as error:
        raise broken(kind, "it ends inside its header") from error
    if header.width < 1 or header.height < 1:
        raise broken(kind, f"its header has {header.width}×{header.height} pixels")
    return header
