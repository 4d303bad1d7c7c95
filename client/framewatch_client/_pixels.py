"""Pixels of files and of PIL images, the same that the server sees."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np

from framewatch_client.errors import InvalidType, InvalidValue
from framewatch_client.types import PILImage
from framewatch_core.arrays import UInt8Array
from framewatch_core.errors import InvalidRequest
from framewatch_core.images.header import ImageHeader, read_header
from framewatch_core.images.transparency import whiten

# Larger files are sent as they are: the server's limit is lower, and reports it.
_MAX_PIXELS = 100_000_000

_AS_STORED = cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION

# Pillow's conversions clip these to 0 and 255
_WIDE_MODES = ("I", "F")


def decode_file(data: bytes) -> UInt8Array | None:
    """Returns a file's upright BGR pixels; None: it is broken, too large, or of a kind that OpenCV reads otherwise.

    OpenCV fills the missing part of a cut-off file with grey, which the server couldn't detect any more.
    """
    try:
        header = read_header(data)
    except InvalidRequest:
        return None
    if header.is_unusual or header.pixels > _MAX_PIXELS:
        return None
    try:
        pixels = cv2.imdecode(np.frombuffer(header.picture_of(data), dtype=np.uint8), _AS_STORED)
    except cv2.error:
        return None
    if pixels is None or pixels.shape != (header.height, header.width, 3):
        return None
    return _upright(np.asarray(pixels, dtype=np.uint8), header)


def _upright(pixels: UInt8Array, header: ImageHeader) -> UInt8Array:
    if header.is_sideways:
        pixels = np.asarray(cv2.transpose(pixels), np.uint8)
    return pixels if header.flip is None else np.asarray(cv2.flip(pixels, header.flip), np.uint8)


def pil_pixels(image: PILImage) -> UInt8Array:
    """Returns the pixels of a PIL image, grey `[height, width]` or RGB `[height, width, 3]`.

    As the server does with files, they are turned upright by the EXIF tag, which Pillow does not do by itself, a
    transparent colour becomes white, and an alpha channel is discarded.

    Raises:
        InvalidType: its levels are not 8 bits.
        InvalidValue: Pillow can't read it.

    """
    if image.mode.startswith(_WIDE_MODES):
        raise InvalidType(
            f"a PIL image of mode {image.mode}: expected 8 bits a channel; scale its range to 0 to 255 and convert it, "
            "for 16 bits: Image.fromarray((np.asarray(image) // 257).astype(np.uint8))"
        )
    from PIL import ImageOps  # noqa: PLC0415  a caller with a PIL image has Pillow

    opened: Any = image
    try:
        upright = ImageOps.exif_transpose(opened)
        return _without_transparency(upright)
    except OSError:
        raise
    except Exception as error:
        # its readers of metadata raise whatever they meet: TypeError, struct.error, ZeroDivisionError and more
        raise InvalidValue(
            "Pillow can't read the image or its metadata: give the file's bytes or its path instead"
        ) from error


def _without_transparency(image: Any) -> UInt8Array:
    if isinstance(image.info.get("transparency"), bytes):
        del image.info["transparency"]  # opacities of palette entries: the conversion drops them, and warns
    if image.mode == "L" and "transparency" not in image.info:
        return np.asarray(image)
    converted = image.convert("RGB")
    pixels = np.array(converted)
    if (colour := converted.info.get("transparency")) is not None:
        whiten(pixels, colour)
    return pixels
