"""Images as callers send them, before they are decoded."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import Enum

from framewatch_core.errors import EmptyImage, InvalidRawImage
from framewatch_core.images.raw_length import advise


class PixelFormat(Enum):
    """Layout of raw pixels, 8 bits a channel; the value has the bytes of a pixel in the first plane."""

    RGB24 = ("RGB24", 3)
    BGR24 = ("BGR24", 3)
    GRAY8 = ("GRAY8", 1)
    BGRA32 = ("BGRA32", 4)
    NV12 = ("NV12", 1)
    I420 = ("I420", 1)

    @property
    def bytes_per_pixel(self) -> int:
        """Bytes of a pixel in the first plane."""
        return self.value[1]

    @property
    def is_yuv420(self) -> bool:
        """True if chroma planes at half resolution follow the first plane."""
        return self in {PixelFormat.NV12, PixelFormat.I420}


@dataclass(frozen=True, slots=True)
class EncodedImage:
    """Bytes of a JPEG, PNG or WebP file; at least one."""

    data: bytes

    def __post_init__(self) -> None:
        if not self.data:
            raise EmptyImage("the image has no bytes: send a JPEG, PNG or WebP file's content", "encoded")


@dataclass(frozen=True, slots=True)
class RawImage:
    """Uncompressed pixels, rows from top to bottom.

    Attributes:
        data: the pixels; `rows` rows, behind the last of which there may be less than another row of padding.
        width, height: in pixels; at least 1; even for NV12 and I420.
        pixel_format: layout of the bytes.
        row_stride_bytes: bytes from one row's start to the next's; 0: rows without gaps.

    Raises:
        EmptyImage, InvalidRawImage: with the field's path.

    """

    data: bytes
    width: int
    height: int
    pixel_format: PixelFormat
    row_stride_bytes: int = 0

    def __post_init__(self) -> None:
        if not self.data:
            raise EmptyImage("the raw image has no bytes: send its pixels", "raw.data")
        for name, size in (("width", self.width), ("height", self.height)):
            if size < 1:
                raise InvalidRawImage(f"{name} is {size}: expected at least 1 pixel", f"raw.{name}")
            if self.pixel_format.is_yuv420 and size % 2:
                raise InvalidRawImage(f"{name} is {size}: {self.pixel_format.name} needs an even one", f"raw.{name}")
        self._check_stride()
        if not self.min_bytes <= len(self.data) <= self.max_bytes:
            raise self._wrong_length()

    def _wrong_length(self) -> InvalidRawImage:
        too, expected = (
            ("few", f"at least {self.min_bytes:,}")
            if len(self.data) < self.min_bytes
            else ("many", f"at most {self.max_bytes:,}")
        )
        advice = advise(len(self.data), width=self.width, height=self.height, stride=self.stride, plane_rows=self.rows)
        return InvalidRawImage(
            f"{len(self.data):,} bytes are too {too} for {self.width}×{self.height} {self.pixel_format.name} with a "
            f"stride of {self.stride:,}: expected {expected}; {advice}",
            "raw.data",
        )

    def _check_stride(self) -> None:
        if self.stride < self.row_bytes:
            raise InvalidRawImage(
                f"a stride of {self.stride:,} bytes is less than the {self.row_bytes:,} bytes of a row: give the bytes "
                "from one row's start to the next's, or 0 for rows without gaps",
                "raw.row_stride_bytes",
            )
        if self.pixel_format is PixelFormat.I420 and self.stride % 2:
            raise InvalidRawImage(
                f"a stride of {self.stride:,} bytes is odd: I420's chroma rows have half of it", "raw.row_stride_bytes"
            )

    @property
    def row_bytes(self) -> int:
        """Bytes of a row of the first plane."""
        return self.width * self.pixel_format.bytes_per_pixel

    @property
    def stride(self) -> int:
        """Bytes from the start of a row to the start of the next."""
        return self.row_stride_bytes or self.row_bytes

    @property
    def rows(self) -> int:
        """Rows of `stride` bytes in all planes together."""
        return self.height * 3 // 2 if self.pixel_format.is_yuv420 else self.height

    @property
    def min_bytes(self) -> int:
        """Least number of bytes; the last row needs no padding after it."""
        padding = self.stride - self.row_bytes
        return self.rows * self.stride - (padding // 2 if self.pixel_format is PixelFormat.I420 else padding)

    @property
    def max_bytes(self) -> int:
        """Most bytes: padding behind the last row, for alignment, is less than a row; more means another format."""
        return (self.rows + 1) * self.stride - 1


Image = EncodedImage | RawImage


@dataclass(frozen=True, slots=True)
class ImageKey:
    """Digest of an image, 16 bytes, in its place when its bytes are not needed any more; practically unique."""

    digest: bytes

    @classmethod
    def of(cls, image: Image | ImageKey) -> ImageKey:
        """Returns the image's key; of a key, the key itself."""
        if isinstance(image, ImageKey):
            return image
        if isinstance(image, EncodedImage):
            kind = "encoded"
        else:
            kind = f"{image.pixel_format.name} {image.width} {image.height} {image.stride}"
        digest = hashlib.blake2b(f"{kind}:".encode(), digest_size=16)
        digest.update(image.data)
        return cls(digest.digest())
