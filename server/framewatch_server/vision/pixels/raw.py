"""Conversion of raw images to RGB pixels."""

from __future__ import annotations

import cv2
import numpy as np

from framewatch_core.arrays import UInt8Array
from framewatch_core.images.image import PixelFormat, RawImage

_FROM_RAW = {
    PixelFormat.BGR24: cv2.COLOR_BGR2RGB,
    PixelFormat.GRAY8: cv2.COLOR_GRAY2RGB,
    PixelFormat.BGRA32: cv2.COLOR_BGRA2RGB,
    PixelFormat.NV12: cv2.COLOR_YUV2RGB_NV12,
    PixelFormat.I420: cv2.COLOR_YUV2RGB_I420,
}


def raw_pixels(image: RawImage) -> UInt8Array:
    """Returns RGB, uint8 `[height, width, 3]`; a view of the image's bytes where these are that."""
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
