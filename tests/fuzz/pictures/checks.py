"""The property, checked on one file."""

from __future__ import annotations

from io import BytesIO

import cv2
import numpy as np
from PIL import Image as PillowImage

from framewatch_core.errors import ImageTooLarge, UndecodableImage, UnsupportedFormat
from framewatch_core.images.header import ImageFormat, ImageHeader, read_header
from framewatch_core.images.image import EncodedImage
from framewatch_server.vision.pixels.decode import DecodeLimits, decode

LIMITS = DecodeLimits(max_image_pixels=1 << 18)
_AS_STORED = cv2.IMREAD_COLOR_RGB | cv2.IMREAD_IGNORE_ORIENTATION


class SizesDifferError(AssertionError):
    """A decoder returned another size than the header has."""


def check(data: bytes) -> bool:
    """Checks a file; returns True if it is decoded, False if it is refused.

    Raises:
        SizesDifferError: the property doesn't hold.
        Exception: any other error than those of pictures is a fault as well.

    """
    try:
        header = read_header(data)
    except (UndecodableImage, UnsupportedFormat):
        return False
    if header.pixels > LIMITS.max_image_pixels:
        return False
    for name, size in _sizes_of_decoders(data, header).items():
        if size is not None and size != (header.width, header.height):
            raise SizesDifferError(f"{name}: {size}, header: {header}")
    return _check_own_decoder(data, header)


def _sizes_of_decoders(data: bytes, header: ImageHeader) -> dict[str, tuple[int, int] | None]:
    """Returns the sizes by decoder and by what it is given; None: it refuses the file."""
    picture = header.picture_of(data)
    sizes = {
        "OpenCV, whole file": _size_of_opencv(data) if header.format is not ImageFormat.PNG else None,
        "OpenCV": _size_of_opencv(picture),
        "Pillow": _size_of_pillow(picture, header.format.name),
        "Pillow, whole file": _size_of_pillow(data, header.format.name),
    }
    if header.format is ImageFormat.JPEG and (reduced := _size_of_opencv(picture, cv2.IMREAD_REDUCED_GRAYSCALE_8)):
        fits = reduced == (-(-header.width // 8), -(-header.height // 8))
        sizes["OpenCV, reduced"] = (header.width, header.height) if fits else reduced
    return sizes


def _size_of_opencv(data: bytes, flags: int = 0) -> tuple[int, int] | None:
    try:
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), _AS_STORED | flags)
    except cv2.error:
        return None
    return None if pixels is None else (pixels.shape[1], pixels.shape[0])


def _size_of_pillow(data: bytes, kind: str) -> tuple[int, int] | None:
    try:
        with PillowImage.open(BytesIO(data), formats=[kind]) as picture:
            picture.load()
            return picture.size
    except Exception:  # noqa: BLE001, RUF100  it raises whatever its code meets, which is why it is given pictures alone
        return None


def _check_own_decoder(data: bytes, header: ImageHeader) -> bool:
    for min_size in (None, (1, 1)):
        try:
            pixels = decode(EncodedImage(data), LIMITS, min_size)
        except (UndecodableImage, ImageTooLarge):
            return False
        reduction = 8 if min_size and header.format is ImageFormat.JPEG and not header.is_unusual else 1
        reduction = next((d for d in (8, 4, 2, 1) if d <= reduction and min(header.width, header.height) >= d), 1)
        width, height = (-(-side // reduction) for side in header.upright_size)
        if pixels.shape != (height, width, 3):
            raise SizesDifferError(f"decode: {pixels.shape}, header: {header}")
    return True
