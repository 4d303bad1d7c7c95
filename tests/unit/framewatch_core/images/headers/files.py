"""JPEG, PNG and WebP files, built of their segments and chunks without a library's help."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable

# JPEG

SOI, EOI = b"\xff\xd8", b"\xff\xd9"
COMMENT, APP1, RESTART = 0xFE, 0xE1, b"\xff\xd0"
PIXELS = b"\x12\xff\x00\x34"


def segment(marker: int, body: bytes = b"") -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body


def frame(
    width: int = 8,
    height: int = 8,
    *,
    marker: int = 0xC0,
    components: Iterable[int] = (1,),
    sampling: int = 0x11,
    precision: int = 8,
) -> bytes:
    """A start-of-frame segment."""
    rows = [bytes([component, sampling, 0]) for component in components]
    return segment(marker, struct.pack(">BHHB", precision, height, width, len(rows)) + b"".join(rows))


def scan(*components: int, pixels: bytes = PIXELS) -> bytes:
    """A scan's header with its pixels."""
    body = bytes([len(components)]) + b"".join(bytes([component, 0]) for component in components) + b"\x00\x3f\x00"
    return segment(0xDA, body) + pixels


def jpeg(*parts: bytes) -> bytes:
    return SOI + b"".join(parts) + EOI


# PNG

SIGNATURE = b"\x89PNG\r\n\x1a\n"


def chunk(name: bytes, data: bytes = b"", length: int | None = None) -> bytes:
    """A chunk; `length`: what it says of itself."""
    size = len(data) if length is None else length
    return struct.pack(">I", size) + name + data + struct.pack(">I", zlib.crc32(name + data))


def ihdr(width: int = 8, height: int = 8, depth: int = 8, colour: int = 2, rest: bytes = b"\0\0\0") -> bytes:
    return chunk(b"IHDR", struct.pack(">IIBB", width, height, depth, colour) + rest)


def idat(width: int = 8, height: int = 8, channels: int = 3) -> bytes:
    """The pixels of a black picture."""
    return chunk(b"IDAT", zlib.compress((b"\0" + b"\0" * width * channels) * height))


IEND = chunk(b"IEND")


def png(*parts: bytes) -> bytes:
    """A file of the chunks, with signature and end."""
    return SIGNATURE + b"".join(parts) + IEND


# WebP


def riff_chunk(name: bytes, data: bytes) -> bytes:
    return name + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2)


def webp(*parts: bytes) -> bytes:
    body = b"WEBP" + b"".join(parts)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def lossless(width: int, height: int) -> bytes:
    """The head of a lossless picture; its pixels are missing."""
    return riff_chunk(b"VP8L", b"\x2f" + struct.pack("<I", (height - 1) << 14 | width - 1) + b"\0" * 5)


def lossy(width: int, height: int) -> bytes:
    """The head of a lossy picture; its pixels are missing."""
    return riff_chunk(b"VP8 ", b"\x10\0\0\x9d\x01\x2a" + struct.pack("<HH", width, height) + b"\0" * 6)


def canvas(width: int, height: int, flags: int = 0) -> bytes:
    return riff_chunk(b"VP8X", bytes([flags, 0, 0, 0]) + _less_one(width) + _less_one(height))


def animation_frame(width: int, height: int, picture: bytes, left: int = 0, top: int = 0) -> bytes:
    place = (left // 2).to_bytes(3, "little") + (top // 2).to_bytes(3, "little")
    return riff_chunk(b"ANMF", place + _less_one(width) + _less_one(height) + b"\0" * 4 + picture)


def _less_one(size: int) -> bytes:
    return (size - 1).to_bytes(3, "little")
