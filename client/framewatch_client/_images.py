"""Images of all the kinds that callers may give, as messages to the server."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from framewatch.v1 import framewatch_pb2 as pb
from framewatch_client._pixels import decode_file, pil_pixels
from framewatch_client.errors import InvalidType, InvalidValue
from framewatch_client.types import ImageLike, PILImage
from framewatch_core.arrays import UInt8Array
from framewatch_core.errors import EmptyImage, ImageTooLarge
from framewatch_core.images.image import EncodedImage

_FORMATS = {1: pb.PIXEL_FORMAT_GRAY8, 3: pb.PIXEL_FORMAT_BGR24, 4: pb.PIXEL_FORMAT_BGRA32}


def to_message(image: ImageLike) -> pb.Image:
    """Returns the image without loss: a file's bytes unchanged, pixels raw.

    Raises:
        InvalidType, InvalidValue: it is not an image, or not of a kind that can be sent.
        OSError: the file can't be read.
        EmptyImage: the file has no bytes.

    """
    if (data := _file_bytes(image)) is not None:
        if not data:
            raise EmptyImage(f"{_name(image)} is empty: give a JPEG, PNG or WebP file", "encoded")
        return pb.Image(encoded=data)
    if isinstance(image, np.ndarray):
        return _raw(_checked(image))
    if isinstance(image, PILImage):
        return _raw_from_pil(image)
    raise InvalidType(
        f"{type(image).__name__} is no image: expected a path, the bytes of a JPEG, PNG or WebP file, a numpy array "
        "(uint8, BGR as OpenCV gives it) or a PIL image"
    )


EXAMPLE_QUALITY = 95
"""JPEG quality of examples that were given as pixels."""


def example_image(image: ImageLike) -> EncodedImage:
    """Returns the image as an example of a label: a file's bytes unchanged, pixels as JPEG.

    Raises:
        InvalidType, InvalidValue: it is not an image, or not of a kind that can be sent.
        OSError: the file can't be read.
        EmptyImage: the file has no bytes.

    """
    message = to_message(image)
    if message.HasField("encoded"):
        return EncodedImage(message.encoded)
    pixels = _checked(image) if isinstance(image, np.ndarray) else _pixels_of(message.raw)
    return EncodedImage(encode_jpeg(pixels, EXAMPLE_QUALITY))


def to_stream_message(image: ImageLike, *, short_side: int | None, jpeg_quality: int | None) -> pb.Image:
    """Returns the image, shrunk to the size that the server needs.

    Args:
        image: the image. A file that can't be decoded here, or to other pixels than the server's, is sent as it is.
        short_side: pixels that the shorter side needs; larger images are shrunk to it (area averaging). None: never.
        jpeg_quality: 1 to 100, for pixels and for files that were shrunk; None: raw pixels.

    Raises:
        InvalidType, InvalidValue, OSError: see `to_message`.

    """
    if (data := _file_bytes(image)) is not None:
        pixels = decode_file(data) if short_side else None
        if pixels is None or not short_side or min(pixels.shape[:2]) <= short_side:
            return pb.Image(encoded=data)
    elif isinstance(image, np.ndarray):
        pixels = _checked(image)
    else:
        pixels = _pixels_of(to_message(image).raw)
    if short_side:
        pixels = shrink_image(pixels, short_side)
    return _raw(pixels) if jpeg_quality is None else pb.Image(encoded=encode_jpeg(pixels, jpeg_quality))


def check_bytes(image: pb.Image, max_image_bytes: int) -> None:
    """Raises ImageTooLarge if the server would refuse the image's bytes. `max_image_bytes`: 0 for no limit."""
    actual = len(image.raw.data) if image.HasField("raw") else len(image.encoded)
    if max_image_bytes and actual > max_image_bytes:
        raise ImageTooLarge(
            "bytes of an image (send it smaller, or let the client shrink it)",
            limit="max_image_bytes",
            maximum=max_image_bytes,
            actual=actual,
            field="image",
        )


def shrink_image(pixels: UInt8Array, short_side: int) -> UInt8Array:
    """Returns pixels whose shorter side is at most `short_side`, by area averaging; never enlarged.

    Args:
        pixels: uint8 `[height, width]` or `[height, width, channels]`.
        short_side: in pixels, at least 1.

    """
    height, width = pixels.shape[:2]
    if min(height, width) <= short_side:
        return pixels
    scale = short_side / min(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(cv2.resize(np.ascontiguousarray(pixels), size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def encode_jpeg(pixels: UInt8Array, quality: int) -> bytes:
    """Returns pixels as a JPEG file with full colour resolution, which small pictures need.

    Args:
        pixels: uint8, grey `[height, width]`, BGR `[height, width, 3]` or BGRA `[height, width, 4]`; alpha is dropped.
        quality: 1 to 100.

    Raises:
        InvalidValue: JPEG can't hold a picture of this size.

    """
    colours = pixels[..., :3] if pixels.ndim == 3 and pixels.shape[2] == 4 else pixels
    options = (
        cv2.IMWRITE_JPEG_QUALITY,
        quality,
        cv2.IMWRITE_JPEG_SAMPLING_FACTOR,
        cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444,
    )
    done, data = cv2.imencode(".jpg", np.ascontiguousarray(colours), options)
    if not done:
        raise InvalidValue(
            f"the image of shape {pixels.shape} can't be written as JPEG: send it raw (jpeg_quality=None)"
        )
    return data.tobytes()


def _file_bytes(image: object) -> bytes | None:
    """Returns the bytes of a file, or those given; None for any other kind of image."""
    if isinstance(image, str | os.PathLike):
        return _read(Path(image))
    if isinstance(image, bytes | bytearray | memoryview):
        return bytes(image)
    return None


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        raise FileNotFoundError(error.errno, "there is no such image file", str(path)) from None
    except IsADirectoryError as error:
        raise IsADirectoryError(error.errno, "this is a folder, not an image file", str(path)) from None


def _name(image: object) -> str:
    return str(image) if isinstance(image, str | os.PathLike) else "the image"


def _checked(array: npt.NDArray[Any]) -> UInt8Array:
    """Returns the array without an axis for one channel. Raises InvalidType, InvalidValue if it is not a picture."""
    if array.dtype != np.uint8:
        hint = "; for values from 0 to 1: (image * 255).round().astype(np.uint8)" if array.dtype.kind == "f" else ""
        raise InvalidType(f"an image of {array.dtype}: expected uint8, 0 to 255{hint}")
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[..., 0]
    channels = 1 if array.ndim == 2 else array.shape[2] if array.ndim == 3 else 0
    if channels not in _FORMATS or 0 in array.shape:
        raise InvalidValue(
            f"an image of shape {array.shape}: expected [height, width] (grey), [height, width, 3] (BGR) or "
            "[height, width, 4] (BGRA), nowhere 0"
        )
    return array


def _raw(array: UInt8Array) -> pb.Image:
    channels = 1 if array.ndim == 2 else array.shape[2]
    height, width = array.shape[:2]
    return pb.Image(raw=pb.RawImage(data=array.tobytes(), width=width, height=height, pixel_format=_FORMATS[channels]))


def _raw_from_pil(image: PILImage) -> pb.Image:
    pixels = pil_pixels(image)
    height, width = pixels.shape[:2]
    pixel_format = pb.PIXEL_FORMAT_GRAY8 if pixels.ndim == 2 else pb.PIXEL_FORMAT_RGB24
    return pb.Image(raw=pb.RawImage(data=pixels.tobytes(), width=width, height=height, pixel_format=pixel_format))


def _pixels_of(raw: pb.RawImage) -> UInt8Array:
    """Returns the pixels of a message made from a PIL image, grey or BGR."""
    flat = np.frombuffer(raw.data, dtype=np.uint8)
    if raw.pixel_format == pb.PIXEL_FORMAT_GRAY8:
        return flat.reshape(raw.height, raw.width)
    return flat.reshape(raw.height, raw.width, 3)[..., ::-1]
