"""Images of requests."""

from __future__ import annotations

from collections.abc import Iterable

from framewatch.v1 import framewatch_pb2 as pb
from framewatch_core.errors import EmptyImage, InvalidRawImage
from framewatch_core.images.image import EncodedImage, Image, ImageKey, PixelFormat, RawImage
from framewatch_wire.enums import PIXEL_FORMATS
from framewatch_wire.fields import under


def image_to_proto(image: Image | ImageKey) -> pb.Image:
    """Returns an image as a message. Raises ValueError: it is only a key."""
    match image:
        case EncodedImage(data):
            return pb.Image(encoded=data)
        case RawImage(data, width, height, pixel_format, row_stride_bytes):
            raw = pb.RawImage(
                data=data,
                width=width,
                height=height,
                row_stride_bytes=row_stride_bytes,
                pixel_format=PIXEL_FORMATS.to_proto(pixel_format),
            )
            return pb.Image(raw=raw)
        case ImageKey():
            raise ValueError("an example is only known by its key: give the picture")


def image_from_proto(message: pb.Image) -> Image:
    """Returns an image, its pixels not decoded. Raises InvalidRequest with a path below the image."""
    match message.WhichOneof("content"):
        case "encoded":
            return EncodedImage(message.encoded)
        case "raw":
            return _raw_from_proto(message.raw)
        case _:
            raise EmptyImage("the image is missing: set `encoded` or `raw`")


def _raw_from_proto(message: pb.RawImage) -> RawImage:
    pixel_format = PIXEL_FORMATS.from_proto(message.pixel_format)
    if pixel_format is None:
        known = ", ".join(f.name for f in PixelFormat)
        raise InvalidRawImage(f"pixel_format is {message.pixel_format}: expected one of {known}", "raw.pixel_format")
    return RawImage(message.data, message.width, message.height, pixel_format, message.row_stride_bytes)


def images_from_proto(messages: Iterable[pb.Image], field: str) -> dict[str, Image]:
    """Returns images by their paths, `field[i]`. Raises InvalidRequest with such a path."""
    images = {}
    for i, message in enumerate(messages):
        path = f"{field}[{i}]"
        with under(path):
            images[path] = image_from_proto(message)
    return images
