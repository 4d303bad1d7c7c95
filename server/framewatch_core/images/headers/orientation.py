"""The orientation of a picture: the tag Orientation of its EXIF or XMP metadata, by Pillow's rules.

Metadata is hostile until proved harmless: what can't be read counts as upright, as it does for viewers of pictures.
"""

from __future__ import annotations

import re
import struct

UPRIGHT = 1

_EXIF_PREFIX = re.compile(rb"(?:Exif\0\0){1,2}")
_XMP_ORIENTATION = re.compile(rb'tiff:Orientation(?:="|>)([0-9])')
_TAG = 0x0112
_ENTRY_BYTES = 12
# TIFF's types of whole numbers, with the layout of one value
_LAYOUTS = {3: "H", 4: "L", 8: "h", 9: "l"}


def read_orientation(exif: bytes | None, xmp: bytes | None) -> int:
    """Returns the orientation, 1 to 8, of EXIF's first directory; of XMP if that has none; 1 if neither has one.

    Args:
        exif: a TIFF file without its pixels, with or without the prefix `Exif`; None: there is none.
        xmp: an XMP packet; None: there is none.

    """
    found = _of_exif(exif) if exif else None
    if found is None and xmp:
        match = _XMP_ORIENTATION.search(xmp)
        found = int(match[1]) if match else None
    return found if found is not None and 1 <= found <= 8 else UPRIGHT


def _of_exif(exif: bytes) -> int | None:
    """Reads the tag's first entry in the first directory (TIFF 6.0, section 2); None: there is none."""
    prefix = _EXIF_PREFIX.match(exif)
    tiff = memoryview(exif)[prefix.end() if prefix else 0 :]
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(bytes(tiff[:4]))
    if order is None or len(tiff) < 8:
        return None
    (start,) = struct.unpack_from(f"{order}L", tiff, 4)
    if start + 2 > len(tiff):
        return None
    (count,) = struct.unpack_from(f"{order}H", tiff, start)
    count = min(count, (len(tiff) - start - 2) // _ENTRY_BYTES)
    for i in range(count):
        at = start + 2 + i * _ENTRY_BYTES
        tag, kind, values = struct.unpack_from(f"{order}HHL", tiff, at)
        if tag == _TAG and kind in _LAYOUTS and values == 1:
            (found,) = struct.unpack_from(f"{order}{_LAYOUTS[kind]}", tiff, at + 8)
            return int(found)
    return None
