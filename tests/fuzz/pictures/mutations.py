"""Mutations of pictures: of bytes, and of the segments and chunks that files consist of, their sums made right again."""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Callable, Sequence
from itertools import pairwise
from random import Random

MAX_BYTES = 4096

_SEGMENT = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")
_TOKENS = (
    *(
        bytes([0xFF, marker])
        for marker in (0x00, 0x01, 0xC0, 0xC2, 0xC4, 0xD0, 0xD8, 0xD9, 0xDA, 0xDC, 0xDD, 0xE1, 0xFE)
    ),
    b"\xff" * 3,
    b"\xff\xda\x00\x08\x01\x01\x00\x01\x05\x00",  # an empty scan
    b"\xff\xc0\x00\x0b\x08\x40\x00\x40\x00\x01\x01\x11\x00",  # a frame header
    *(b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND", b"acTL", b"fcTL", b"fdAT", b"eXIf", b"zTXt", b"iCCP"),
    *(b"RIFF", b"WEBP", b"VP8X", b"VP8 ", b"VP8L", b"ALPH", b"ANIM", b"ANMF", b"EXIF"),
)
_NUMBERS = (
    0,
    1,
    2,
    7,
    8,
    9,
    16,
    127,
    128,
    255,
    256,
    4000,
    32_767,
    65_500,
    65_535,
    1 << 24,
    (1 << 31) - 1,
    (1 << 32) - 1,
)


def mutate(data: bytes, others: Sequence[bytes], random: Random) -> bytes:
    """Returns a file like `data` with one to three changes; `others`: files that parts may be taken from."""
    for _ in range(random.choice((1, 1, 2, 3))):
        data = random.choice(_MUTATIONS)(data, random.choice(others), random)
    return data[:MAX_BYTES]


def _change_bytes(data: bytes, _: bytes, random: Random) -> bytes:
    changed = bytearray(data or b"\0")
    for _i in range(random.choice((1, 1, 2, 8))):
        at = random.randrange(len(changed))
        changed[at] = random.choice((random.randrange(256), changed[at] ^ 1 << random.randrange(8), 0, 255))
    return bytes(changed)


def _change_number(data: bytes, _: bytes, random: Random) -> bytes:
    layout = random.choice((">H", "<H", ">I", "<I"))
    number = random.choice(_NUMBERS) & (0xFFFF if layout[1] == "H" else 0xFFFFFFFF)
    packed = struct.pack(layout, number)
    at = random.randrange(max(1, len(data)))
    return data[:at] + packed + data[at + len(packed) :]


def _insert_token(data: bytes, _: bytes, random: Random) -> bytes:
    at = random.randrange(len(data) + 1)
    return data[:at] + random.choice(_TOKENS) * random.choice((1, 1, 1, 2, 30)) + data[at:]


def _cut_out(data: bytes, _: bytes, random: Random) -> bytes:
    start, end = sorted(random.randrange(len(data) + 1) for _i in range(2))
    return data[:start] + data[min(end, start + random.choice((1, 2, 16, 4096))) :]


def _insert_part(data: bytes, other: bytes, random: Random) -> bytes:
    start, end = sorted(random.randrange(len(other) + 1) for _i in range(2))
    at = random.randrange(len(data) + 1)
    return data[:at] + other[start:end] + data[at:]


def _rearrange(data: bytes, other: bytes, random: Random) -> bytes:
    """Drops, repeats, moves, replaces or adds parts of the file's own kind."""
    head, parts, join = _split(data)
    other_head, other_parts, _ = _split(other)
    if not parts:
        return data
    at = random.randrange(len(parts))
    action = random.randrange(5)
    if action == 0:
        del parts[at]
    elif action == 1:
        parts.insert(random.randrange(len(parts) + 1), parts[at])
    elif action == 2:
        parts.insert(random.randrange(len(parts)), parts.pop(at))
    elif action == 3:
        parts[at] = _change_bytes(parts[at], b"", random)
    elif head[:4] == other_head[:4] and other_parts:
        parts.insert(at, random.choice(other_parts))
    return join(head, parts)


_Join = Callable[[bytes, list[bytes]], bytes]


def _split(data: bytes) -> tuple[bytes, list[bytes], _Join]:
    """Returns a file's head, its parts and the function that puts them together again."""
    if data.startswith(b"\x89PNG"):
        return data[:8], _chunks(data, 8, ">I4s", 4), _join_png
    if data.startswith(b"RIFF"):
        return data[:12], _chunks(data, 12, "<4sI", 0), _join_webp
    starts = [match.start() for match in _SEGMENT.finditer(data)]
    parts = [data[start:end] for start, end in pairwise([*starts, len(data)])]
    return b"", parts, lambda head, parts: head + b"".join(parts)


def _chunks(data: bytes, position: int, layout: str, tail: int) -> list[bytes]:
    found = []
    while position + 8 <= len(data):
        fields = struct.unpack_from(layout, data, position)
        length = next(field for field in fields if isinstance(field, int))
        end = position + 8 + length + tail
        end += (end & 1) if not tail else 0
        found.append(data[position:end])
        position = end
    return found


def _join_png(head: bytes, parts: list[bytes]) -> bytes:
    bodies = [part[4:-4] for part in parts]
    return head + b"".join(struct.pack(">I", max(0, len(b) - 4)) + b + struct.pack(">I", zlib.crc32(b)) for b in bodies)


def _join_webp(head: bytes, parts: list[bytes]) -> bytes:
    body = b"".join(parts)
    return head[:4] + struct.pack("<I", len(body) + 4) + head[8:12] + body


_MUTATIONS = (_change_bytes, _change_number, _insert_token, _cut_out, _insert_part, _rearrange, _rearrange)
