"""Facts that the walks find, and their errors."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import TypeAlias

from framewatch_core.errors import UndecodableImage, UnsupportedFormat


class ImageFormat(Enum):
    """Formats of encoded images."""

    JPEG = auto()
    PNG = auto()
    WEBP = auto()


Span: TypeAlias = tuple[int, int]
"""First byte of a part of a file, and the byte after its last."""

# orientations whose picture lies on its side as stored
_SIDEWAYS = frozenset({5, 6, 7, 8})

# by orientation, once rows and columns have changed places: OpenCV's number of the flip that is left to do
_FLIPS = {2: 1, 3: -1, 4: 0, 6: 1, 7: -1, 8: 0}


@dataclass(frozen=True, slots=True)
class ImageHeader:
    """Format and size of an encoded image, and which of its bytes are the picture.

    Attributes:
        format: of the file.
        width, height: in pixels as stored, before `orientation`.
        orientation: 1 to 8, EXIF's number of how the picture is turned; 1: it is upright.
        parts: spans of the file, in order, that decoders need. Between them are metadata, animation frames behind
            the first picture and bytes after the end, which decoders needn't see.
        is_unusual: True for kinds that decoders read differently: a PNG with transparent colours, of an animation or
            with 16 bits a channel, a JPEG in CMYK or of odd sampling, an animated WebP.
        decoder_bytes: bytes that a decoder holds beside the pixels: the coefficients of a JPEG until all its scans
            are read, the canvases of an animation.

    """

    format: ImageFormat
    width: int
    height: int
    parts: tuple[Span, ...]
    orientation: int = 1
    is_unusual: bool = False
    decoder_bytes: int = 0

    @property
    def pixels(self) -> int:
        """Width times height."""
        return self.width * self.height

    @property
    def upright_size(self) -> tuple[int, int]:
        """Width and height after the picture was turned upright."""
        return (self.height, self.width) if self.is_sideways else (self.width, self.height)

    @property
    def is_sideways(self) -> bool:
        """True if width and height change places when the picture is turned upright."""
        return self.orientation in _SIDEWAYS

    @property
    def flip(self) -> int | None:
        """The flip that turns the picture upright, once rows and columns have changed places if it is sideways.

        0: top and bottom change places, 1: left and right, -1: both; None: it is upright.
        """
        return _FLIPS.get(self.orientation)

    def picture_of(self, data: bytes) -> bytes:
        """Returns the file's parts alone; `data` itself if they are all of it."""
        if self.parts == ((0, len(data)),):
            return data
        view = memoryview(data)
        return b"".join(view[start:end] for start, end in self.parts)


def broken(kind: ImageFormat, what: str) -> UndecodableImage:
    """Returns the error of a file that doesn't follow its format."""
    return UndecodableImage(
        f"the {kind.name} can't be decoded: {what}; send the whole file as it was encoded", "encoded"
    )


def unsupported(kind: ImageFormat, what: str) -> UnsupportedFormat:
    """Returns the error of a file of a kind that decoders don't read, or not alike."""
    return UnsupportedFormat(f"the {kind.name} is not supported: {what}", "encoded")


class Spans:
    """Collects the parts of a file in order; neighbours become one."""

    def __init__(self) -> None:
        self._spans: list[Span] = []

    def add(self, start: int, end: int) -> None:
        """Adds a part that begins at or after the end of those before."""
        if self._spans and self._spans[-1][1] == start:
            start = self._spans.pop()[0]
        self._spans.append((start, end))

    def all(self) -> tuple[Span, ...]:
        """Returns the parts."""
        return tuple(self._spans)
