"""Decoding of images to RGB pixels, within limits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import cv2
import numpy as np
import simplejpeg

from framewatch_core.arrays import UInt8Array
from framewatch_core.errors import ImageTooLarge
from framewatch_core.images.header import ImageFormat, ImageHeader, read_header
from framewatch_core.images.image import EncodedImage, Image, RawImage
from framewatch_server.vision.pixels.raw import raw_pixels
from framewatch_server.vision.pixels.reference import decode_as_reference, undecodable

# Decoding runs on a pool of our own threads, which OpenCV's threads would take the cores from.
cv2.setNumThreads(1)

# What a broken picture makes a library print would be a line for each frame: errors tell callers enough.
cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)

_REDUCTIONS = (8, 4, 2)  # libjpeg's scaled decodes, by their divisor
_RGB_AS_STORED = cv2.IMREAD_COLOR_RGB | cv2.IMREAD_IGNORE_ORIENTATION

# libwebp wants so many bytes before it looks at a file; the smallest WebPs are shorter
_LEAST_WEBP_BYTES = 32

# Of each pixel, while a picture is decoded and its regions are resized one after the other: the pixels, a copy that is
# turned upright or a region's, and Pillow's own, which has four bytes.
_HELD_BYTES_PER_PIXEL = 3 + 3 + 4


MAX_SIDE = 65_535
"""Largest width and height, JPEG's own. Resizing makes rows of the model's width out of each row first, however narrow:
33 GB for a PNG of 1 × 50 million pixels."""


@dataclass(frozen=True, slots=True)
class DecodeLimits:
    """Largest images that are accepted: bytes as sent, pixels as stored, and the pixels of all regions together."""

    max_image_bytes: int = 32 * 1024 * 1024
    max_image_pixels: int = 50_000_000
    max_region_pixels: int = 200_000_000


@dataclass(frozen=True, slots=True)
class CheckedImage:
    """An image within the limits whose header was read, not decoded yet.

    Attributes:
        width, height: of the pixels that `decode` returns.
        held_bytes: memory that decoding it and resizing its regions one after the other takes at most.
        decode: returns the pixels, RGB, uint8 `[height, width, 3]`; raises UndecodableImage.

    """

    width: int
    height: int
    held_bytes: int
    decode: Callable[[], UInt8Array]


def check(image: Image, limits: DecodeLimits, min_size: tuple[int, int] | None = None) -> CheckedImage:
    """Checks an image without decoding it.

    Args:
        image: from the caller.
        limits: of the image; those of regions are the caller's.
        min_size: width and height in pixels, of the picture turned upright, that are enough. A JPEG is then decoded at
            the smallest of 1/2, 1/4, 1/8 of its size that is at least that large. None: always at its full size.

    Raises:
        ImageTooLarge, UnsupportedFormat, UndecodableImage.

    """
    if isinstance(image, RawImage):
        return _check_raw(image, limits)
    return _check_file(image, limits, min_size)


def decode(image: Image, limits: DecodeLimits, min_size: tuple[int, int] | None = None) -> UInt8Array:
    """Decodes an image.

    Args:
        image: from the caller.
        limits: checked before anything is decoded.
        min_size: see `check`.

    Returns:
        RGB, uint8 `[height, width, 3]`, EXIF orientation applied. An alpha channel is discarded; a colour that a PNG
        without one declares transparent becomes white; CMYK becomes RGB by Pillow's formula; of an animation, the
        first picture, a PNG's default one. In all of this, transformers' pipeline is the reference.

    Raises:
        ImageTooLarge, UnsupportedFormat, UndecodableImage.

    """
    return check(image, limits, min_size).decode()


def _check_raw(image: RawImage, limits: DecodeLimits) -> CheckedImage:
    _check_bytes(image.data, limits, "raw.data")
    _check_size(image.width, image.height, limits, "raw")
    pixels = image.width * image.height
    return CheckedImage(image.width, image.height, pixels * _HELD_BYTES_PER_PIXEL, partial(raw_pixels, image))


def _check_file(image: EncodedImage, limits: DecodeLimits, min_size: tuple[int, int] | None) -> CheckedImage:
    _check_bytes(image.data, limits, "encoded")
    header = read_header(image.data)
    _check_size(header.width, header.height, limits, "encoded")
    reduction = _jpeg_reduction(header, min_size)
    width, height = (-(-side // reduction) for side in header.upright_size)
    held_bytes = width * height * _HELD_BYTES_PER_PIXEL + header.decoder_bytes
    return CheckedImage(width, height, held_bytes, partial(_decode_file, image.data, header, reduction))


def _decode_file(data: bytes, header: ImageHeader, reduction: int) -> UInt8Array:
    picture = header.picture_of(data)
    if header.format is ImageFormat.PNG or header.is_unusual:
        # OpenCV reads these otherwise than the reference, and a PNG's pixels to the end, however many they are
        pixels = decode_as_reference(picture, header)
    elif header.format is ImageFormat.JPEG:
        pixels = _decode_jpeg(picture, header, reduction)
    else:
        pixels = _decode_webp(picture, header)
    return _turned_upright(pixels, header)


def _decode_jpeg(data: bytes, header: ImageHeader, reduction: int) -> UInt8Array:
    """Returns the pixels as stored, reduced; what is damaged inside a scan shows as grey or shifted blocks.

    These are OpenCV's pixels, bit by bit, since both use libjpeg-turbo; but OpenCV lets it print a line to standard
    error for each damaged picture. Raises UndecodableImage: also for pixels of another size than expected.
    """
    height, width = -(-header.height // reduction), -(-header.width // reduction)
    try:
        pixels = simplejpeg.decode_jpeg(data, "RGB", min_height=height, min_width=width, strict=False)
    except ValueError as error:
        raise undecodable(header) from error
    if pixels.shape != (height, width, 3):
        raise undecodable(header)
    return np.asarray(pixels, dtype=np.uint8)


def _decode_webp(data: bytes, header: ImageHeader) -> UInt8Array:
    """Returns the pixels as stored. Raises UndecodableImage: also for pixels of another size than expected."""
    try:
        pixels = cv2.imdecode(np.frombuffer(data.ljust(_LEAST_WEBP_BYTES, b"\0"), np.uint8), _RGB_AS_STORED)
    except cv2.error as error:
        if error.code == cv2.Error.StsNoMem:
            raise MemoryError from error  # no fault of the picture
        raise undecodable(header) from error
    if pixels is None or pixels.shape != (header.height, header.width, 3):
        raise undecodable(header)
    return np.asarray(pixels, dtype=np.uint8)


def _jpeg_reduction(header: ImageHeader, min_size: tuple[int, int] | None) -> int:
    """Returns the largest divisor at which libjpeg's scaled decode still has `min_size`; 1: there is none."""
    if min_size is None or header.format is not ImageFormat.JPEG or header.is_unusual:
        return 1
    width, height = header.upright_size
    fitting = (d for d in _REDUCTIONS if width >= d * min_size[0] and height >= d * min_size[1])
    return next(fitting, 1)


def _turned_upright(pixels: UInt8Array, header: ImageHeader) -> UInt8Array:
    if header.is_sideways:
        pixels = np.asarray(cv2.transpose(pixels), np.uint8)
    return pixels if header.flip is None else np.asarray(cv2.flip(pixels, header.flip, pixels), np.uint8)


def _check_bytes(data: bytes, limits: DecodeLimits, field: str) -> None:
    if len(data) > limits.max_image_bytes:
        raise ImageTooLarge(
            "bytes of the image", limit="max_image_bytes", maximum=limits.max_image_bytes, actual=len(data), field=field
        )


def _check_size(width: int, height: int, limits: DecodeLimits, field: str) -> None:
    pixels, side = width * height, max(width, height)
    if pixels > limits.max_image_pixels:
        raise ImageTooLarge(
            "pixels of the image", limit="max_image_pixels", maximum=limits.max_image_pixels, actual=pixels, field=field
        )
    if side > MAX_SIDE:
        raise ImageTooLarge(
            "pixels of the image's longer side", limit="max_image_side", maximum=MAX_SIDE, actual=side, field=field
        )
