"""Decoding with Pillow, which transformers' pipeline reads pictures with."""

from __future__ import annotations

from io import BytesIO

import numpy as np
from PIL import Image as PillowImage

from framewatch_core.arrays import UInt8Array
from framewatch_core.errors import UndecodableImage
from framewatch_core.images.header import ImageHeader
from framewatch_core.images.transparency import whiten

# Ours is checked on the header, and Pillow's size against it.
PillowImage.MAX_IMAGE_PIXELS = None

# Pixels that are converted at once: Pillow's conversions copy the picture, some of them several times.
_STRIP_PIXELS = 1 << 20


def decode_as_reference(data: bytes, header: ImageHeader) -> UInt8Array:
    """Decodes a file's picture as the pipeline does, as stored.

    Args:
        data: the picture's parts alone: Pillow's readers of metadata raise errors of any kind.
        header: of the file.

    Returns:
        RGB, uint8 `[height, width, 3]`. An alpha channel is discarded; a PNG's transparent colour becomes white.

    Raises:
        UndecodableImage.

    """
    try:
        with PillowImage.open(BytesIO(data), formats=[header.format.name]) as picture:
            if picture.size == (header.width, header.height):
                picture.load()
                if picture.size == (header.width, header.height):
                    return _to_rgb(picture)
    except MemoryError:
        raise
    except Exception as error:
        # its decoders raise what their code happens to meet: struct.error, TypeError, IndexError, SyntaxError and more
        raise undecodable(header) from error
    raise undecodable(header)


def _to_rgb(picture: PillowImage.Image) -> UInt8Array:
    if isinstance(picture.info.get("transparency"), bytes):
        del picture.info["transparency"]  # opacities of palette entries: the conversion drops them, and warns
    width, height = picture.size
    rgb = np.empty((height, width, 3), np.uint8)
    rows = max(1, _STRIP_PIXELS // width)
    for top in range(0, height, rows):
        strip = picture.crop((0, top, width, min(height, top + rows))).convert("RGB")
        rgb[top : top + rows] = np.asarray(strip)
        if (colour := strip.info.get("transparency")) is not None:
            whiten(rgb[top : top + rows], colour)
    return rgb


def undecodable(header: ImageHeader) -> UndecodableImage:
    """Returns the error of a file whose pixels are broken, or of another size than its header says."""
    return UndecodableImage(
        f"the {header.format.name} of {header.width}×{header.height} pixels can't be decoded: its data is broken; send "
        "the whole file as it was encoded",
        "encoded",
    )
