"""Decoding of images to RGB pixels, within limits."""

from __future__ import annotations

import os
from dataclasses import dataclass
from io import BytesIO

from framewatch_core.arrays import UInt8Array

# The limits here are checked on the header before OpenCV gets the image; OpenCV's own limit, which it reads when it is
# imported, counts other pixels (scaled ones) and must not be reached first.
os.environ.setdefault("OPENCV_IO_MAX_IMAGE_PIXELS", str(1 << 40))

import cv2
import numpy as np
from PIL import Image as PillowImage
from PIL import ImageOps

from framewatch_core.errors import ImageTooLarge, UndecodableImage
from framewatch_core.images.header import ImageFormat, ImageHeader, read_header
from framewatch_core.images.image import EncodedImage, Image, PixelFormat, RawImage
from framewatch_core.quoting import one_line

# Decoding runs on a pool of our own threads, which OpenCV's threads would take the cores from.
cv2.setNumThreads(1)

_REDUCED = {
    8: cv2.IMREAD_REDUCED_COLOR_8,
    4: cv2.IMREAD_REDUCED_COLOR_4,
    2: cv2.IMREAD_REDUCED_COLOR_2,
}
_FROM_RAW = {
    PixelFormat.BGR24: cv2.COLOR_BGR2RGB,
    PixelFormat.GRAY8: cv2.COLOR_GRAY2RGB,
    PixelFormat.BGRA32: cv2.COLOR_BGRA2RGB,
    PixelFormat.NV12: cv2.COLOR_YUV2RGB_NV12,
    PixelFormat.I420: cv2.COLOR_YUV2RGB_I420,
}


@dataclass(frozen=True, slots=True)
class DecodeLimits:
    """Largest images that are accepted: bytes as sent, pixels as stored."""

    max_image_bytes: int = 32 * 1024 * 1024
    max_image_pixels: int = 50_000_000


def decode(image: Image, limits: DecodeLimits, min_size: tuple[int, int] | None = None) -> UInt8Array:
    """Decodes an image.

    Args:
        image: from the caller.
        limits: checked before anything is decoded.
        min_size: width and height in pixels, of the picture as stored, that are enough. A JPEG is then decoded at the
            smallest of 1/2, 1/4, 1/8 of its size that is at least that large. None: always at its full size.

    Returns:
        RGB, uint8 `[height, width, 3]`, EXIF orientation applied. An alpha channel is discarded; a colour that a PNG
        without one declares transparent becomes white; CMYK becomes RGB by Pillow's formula. In all of this,
        transformers' pipeline is the reference.

    Raises:
        ImageTooLarge, UnsupportedFormat, UndecodableImage.

    """
    if isinstance(image, RawImage):
        return _decode_raw(image, limits)
    return _decode_file(image, limits, min_size)


def _decode_file(image: EncodedImage, limits: DecodeLimits, min_size: tuple[int, int] | None) -> UInt8Array:
    _check_bytes(image.data, limits, "encoded")
    header = read_header(image.data)
    _check_pixels(header.pixels, limits, "encoded")
    if header.is_unusual:
        return _decode_as_reference(image.data, header)
    reduction = _jpeg_reduction(header, min_size)
    flag = _REDUCED.get(reduction, cv2.IMREAD_COLOR_RGB)
    try:
        pixels = cv2.imdecode(np.frombuffer(image.data, np.uint8), flag)
    except cv2.error as error:
        raise UndecodableImage(
            f"the {header.format.name} can't be decoded: {one_line(error.err)}", "encoded"
        ) from error
    if pixels is None:
        raise UndecodableImage(
            f"the {header.format.name} of {header.width}×{header.height} pixels can't be decoded: its data is broken",
            "encoded",
        )
    rgb = cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB) if reduction > 1 else pixels
    return np.asarray(rgb, dtype=np.uint8)


def _decode_as_reference(data: bytes, header: ImageHeader) -> UInt8Array:
    """Decodes with Pillow, in the way of transformers' pipeline, which makes a PNG's transparent colour white."""
    try:
        picture = ImageOps.exif_transpose(PillowImage.open(BytesIO(data)))
        if isinstance(picture.info.get("transparency"), bytes):
            del picture.info["transparency"]  # opacities of palette entries: the conversion drops them, and warns
        picture = picture.convert("RGB")
    except (OSError, SyntaxError, ValueError, PillowImage.DecompressionBombError) as error:
        raise UndecodableImage(
            f"the {header.format.name} can't be decoded: {one_line(str(error))}", "encoded"
        ) from error
    if picture.info.get("transparency") is not None:
        white = PillowImage.new("RGBA", picture.size, "white")
        picture = PillowImage.alpha_composite(white, picture.convert("RGBA")).convert("RGB")
    return np.asarray(picture)


def _jpeg_reduction(header: ImageHeader, min_size: tuple[int, int] | None) -> int:
    """Returns the largest divisor at which libjpeg's scaled decode still has `min_size`; 1: there is none."""
    if min_size is None or header.format is not ImageFormat.JPEG:
        return 1
    fitting = (d for d in _REDUCED if header.width >= d * min_size[0] and header.height >= d * min_size[1])
    return next(fitting, 1)


def _decode_raw(image: RawImage, limits: DecodeLimits) -> UInt8Array:
    _check_bytes(image.data, limits, "raw.data")
    _check_pixels(image.width * image.height, limits, "raw")
    planes = _without_padding(image)
    if image.pixel_format is PixelFormat.RGB24:
        return planes
    return np.asarray(cv2.cvtColor(planes, _FROM_RAW[image.pixel_format]), dtype=np.uint8)


def _without_padding(image: RawImage) -> UInt8Array:
    """Returns planes for OpenCV, `[rows, width]` or `[rows, width, channels]`; not copied if there are no gaps."""
    data = np.frombuffer(image.data, np.uint8)
    if image.pixel_format is PixelFormat.I420 and image.stride != image.row_bytes:
        return _i420_without_padding(data, image)
    rows = np.lib.stride_tricks.as_strided(data, (image.rows, image.row_bytes), (image.stride, 1), writeable=False)
    channels = image.pixel_format.bytes_per_pixel
    if channels == 1:
        return np.ascontiguousarray(rows)
    return np.ascontiguousarray(rows).reshape(image.height, image.width, channels)


def _i420_without_padding(data: UInt8Array, image: RawImage) -> UInt8Array:
    luma_bytes = image.height * image.stride
    luma = data[:luma_bytes].reshape(image.height, image.stride)[:, : image.width]
    chroma = np.lib.stride_tricks.as_strided(
        data[luma_bytes:], (image.height, image.width // 2), (image.stride // 2, 1), writeable=False
    )
    return np.concatenate([luma.ravel(), chroma.ravel()]).reshape(image.rows, image.width)


def _check_bytes(data: bytes, limits: DecodeLimits, field: str) -> None:
    if len(data) > limits.max_image_bytes:
        raise ImageTooLarge(
            "bytes of the image", limit="max_image_bytes", maximum=limits.max_image_bytes, actual=len(data), field=field
        )


def _check_pixels(pixels: int, limits: DecodeLimits, field: str) -> None:
    if pixels > limits.max_image_pixels:
        raise ImageTooLarge(
            "pixels of the image", limit="max_image_pixels", maximum=limits.max_image_pixels, actual=pixels, field=field
        )
