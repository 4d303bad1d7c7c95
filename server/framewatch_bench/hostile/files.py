"""Image files that cost their decoder more than they should, or mean different things to different readers."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Mapping
from functools import cache

import cv2
import numpy as np

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_END = b"\xff\xd9"


def chunk(kind: bytes, data: bytes = b"", length: int | None = None) -> bytes:
    """Returns a chunk of a PNG file; `length` is what it says of itself."""
    said = len(data) if length is None else length
    return struct.pack(">I", said) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png_header(width: int, height: int, colour_type: int = 2) -> bytes:
    """Returns the IHDR of a PNG file with 8 bits a channel."""
    return chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, colour_type, 0, 0, 0))


def grey_png(width: int, height: int, shade: int = 0) -> bytes:
    """Returns a grey PNG file of any size, a few bytes large; other shades (0 to 255) are other pictures."""
    row = b"\0" + bytes(range(256)) * (width // 256) + bytes([shade]) * (width % 256)
    packer = zlib.compressobj(1)
    packed = b"".join(packer.compress(row) for _ in range(height)) + packer.flush()
    return _SIGNATURE + png_header(width, height, colour_type=0) + chunk(b"IDAT", packed) + chunk(b"IEND")


def _png(*before: bytes, after: bytes = b"") -> bytes:
    """A PNG file of 8 × 8 pixels with more chunks before and after its pixels."""
    pixels = chunk(b"IDAT", zlib.compress((b"\0" + b"\x40\x80\xc0" * 8) * 8))
    return b"".join((_SIGNATURE, png_header(8, 8), *before, pixels, after, chunk(b"IEND")))


def _jpeg(width: int = 64, height: int = 64, *flags: int) -> bytes:
    picture = np.full((height, width, 3), 128, np.uint8)
    return cv2.imencode(".jpg", picture, flags)[1].tobytes()


def _exif(value_type: int, count: int) -> bytes:
    """An APP1 segment whose orientation has a type and a count that no camera writes."""
    entry = struct.pack("<HHII", 0x0112, value_type, count, 0xFFFFFFF0)
    tiff = b"II*\0" + struct.pack("<IH", 8, 1) + entry + struct.pack("<I", 4)
    data = b"Exif\0\0" + tiff
    return b"\xff\xe1" + struct.pack(">H", len(data) + 2) + data


def _many_scans() -> bytes:
    """A progressive JPEG of 12 MP with 12,000 scans that change nothing."""
    whole = _jpeg(4000, 3000, cv2.IMWRITE_JPEG_PROGRESSIVE, 1)
    return whole.removesuffix(_END) + bytes.fromhex("ffda00080101000110 00") * 12_000 + _END


def _desynchronised() -> bytes:
    """A JPEG of 2000 × 2000 pixels inside of what a naive reader takes for a segment, with a header of 8 × 8 behind."""
    large, small = _jpeg(2000, 2000), _jpeg(8, 8)
    return b"\xff\xd8\xff\x00" + struct.pack(">H", len(large)) + large[2:] + small[2:]


def _webp() -> bytes:
    """A WebP whose canvas is smaller than its frame."""
    frame = cv2.imencode(".webp", np.full((512, 512, 3), 90, np.uint8), [cv2.IMWRITE_WEBP_QUALITY, 50])[1].tobytes()[
        12:
    ]
    canvas = b"VP8X" + struct.pack("<I", 10) + bytes(4) + (7).to_bytes(3, "little") * 2
    body = b"WEBP" + canvas + frame
    return b"RIFF" + struct.pack("<I", len(body)) + body


_MAKERS: Mapping[str, Callable[[], bytes]] = {
    "a PNG chunk of 4 GiB": lambda: _SIGNATURE + png_header(8, 8) + chunk(b"zTXt", b"a\0\0", 0xFFFFFFFF),
    "a JPEG of 12,000 scans": _many_scans,
    "a JPEG in a JPEG": _desynchronised,
    "8 MB of fill bytes": lambda: b"\xff\xd8" + b"\xff" * 8_000_000 + _jpeg()[2:],
    "20,000 zTXt chunks": lambda: _png(chunk(b"zTXt", b"a\0\0" + zlib.compress(b"b" * 100)) * 20_000),
    "300,000 tEXt chunks": lambda: _png(chunk(b"tEXt", b"a\0") * 300_000),
    "a profile after the pixels": lambda: _png(after=chunk(b"iCCP", b"a\0\0" + zlib.compress(b"b" * 100))),
    "two PNG headers": lambda: _png(chunk(b"tRNS", bytes(6)), png_header(4000, 4000)),
    "a PNG that ends in its header": lambda: _png()[:30],
    "EXIF of an odd type": lambda: _jpeg()[:2] + _exif(2, 9) + _jpeg()[2:],
    "EXIF beyond the file": lambda: _jpeg()[:2] + _exif(5, 70_000) + _jpeg()[2:],
    "a WebP larger than its canvas": _webp,
    "64,000 × 64,000 pixels": lambda: _SIGNATURE + png_header(64_000, 64_000) + chunk(b"IDAT", zlib.compress(b"\0")),
    "no image at all": lambda: b"GIF89a" + bytes(40),
    "nothing": lambda: b"",
}

NAMES = tuple(_MAKERS)
"""The files by their names."""


@cache
def hostile_file(name: str) -> bytes:
    """Returns a file of NAMES."""
    return _MAKERS[name]()


def damaged(file: bytes, rng: np.random.Generator) -> bytes:
    """Returns a file with a few bytes changed, or its end cut off."""
    changed = bytearray(file)
    for place in rng.integers(0, len(changed), int(rng.integers(1, 6))):
        changed[place] = rng.integers(0, 256)
    return bytes(changed[: int(rng.integers(1, len(changed)))] if rng.random() < 0.2 else changed)


@cache
def honest_files() -> tuple[bytes, ...]:
    """Returns small files in each format, to be damaged."""
    ramp = np.linspace(0, 255, 160 * 120 * 3).reshape(120, 160, 3).astype(np.uint8)
    files = [(".jpg", ()), (".jpg", (cv2.IMWRITE_JPEG_PROGRESSIVE, 1)), (".png", ()), (".webp", ())]
    return tuple(cv2.imencode(extension, ramp, list(flags))[1].tobytes() for extension, flags in files)
