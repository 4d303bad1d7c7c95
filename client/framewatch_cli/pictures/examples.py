"""Examples of a label, or of its absence: image files, folders of them, and frames of videos."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from framewatch_cli.pictures.frames import decoded_file, frames_at
from framewatch_client import (
    IMAGE_SUFFIXES,
    SourceError,
    example_image,
    is_url,
    natural_key,
    shrink_image,
    without_password,
)
from framewatch_core.arrays import UInt8Array
from framewatch_core.calibration.intervals import parse_time
from framewatch_core.images.image import EncodedImage, Image
from framewatch_core.images.regions import Region
from framewatch_core.time import NS_PER_S

EXAMPLE_SHORT_SIDE = 768
"""Pixels of an example's shorter side. No model needs more, and a request has a limit of bytes."""

_FRAME = re.compile(r"(?P<path>.+)@(?P<time>\d+(?:\.\d+)?)s(?:#(?P<region>.+))?", re.DOTALL)
_FRAMES = re.compile(r"(?P<path>.+)@(?P<times>[\d.:s]+(?:,[\d.:s]+)*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Example:
    """An example as a rules file or an option names it.

    Attributes:
        path: of an image file, of a folder of images, or of a video; absolute, or relative to the rules file's folder
            or the working folder.
        time_ns: time of the video's frame in nanoseconds, not negative; None: the path is no video.
        region: id of the region that the picture is cropped to; empty: the whole picture.

    Raises:
        ValueError: the path is a URL.

    """

    path: str
    time_ns: int | None = None
    region: str = ""

    def __post_init__(self) -> None:
        if is_url(self.path):
            raise ValueError(
                f"the example {without_password(self.path)} is a URL: expected an image file, a folder of them, or a "
                "video file with the time of a frame; save what the URL leads to as a file first"
            )

    @classmethod
    def parse(cls, text: str) -> Example:
        """Reads `PATH`, `VIDEO@SECONDSs` or `VIDEO@SECONDSs#REGION`.

        Example:
            >>> Example.parse("person.mp4@9.2s").time_ns
            9200000000

        """
        found = _FRAME.fullmatch(text)
        if found is None:
            return cls(text)
        return cls(found["path"], int(Decimal(found["time"]) * NS_PER_S), found["region"] or "")

    def __str__(self) -> str:
        if self.time_ns is None:
            return self.path
        region = f"#{self.region}" if self.region else ""
        return f"{self.path}@{seconds_text(self.time_ns)}s{region}"


@dataclass(frozen=True, slots=True)
class ExampleSource:
    """An example that can be read: its path from the working folder or absolute, and the region itself."""

    path: Path
    time_ns: int | None
    region: Region | None


ExampleLoader = Callable[[ExampleSource], Sequence[Image]]
"""Reads an example: one picture, or those of a folder."""


def seconds_text(time_ns: int) -> str:
    """Returns nanoseconds as seconds, with no digit more than needed."""
    return f"{Decimal(time_ns) / NS_PER_S:f}"


def parse_example_option(text: str, region_ids: Iterable[str] = ()) -> tuple[str, list[Example]]:
    """Reads `LABEL=SPEC`.

    SPEC is an image file, a folder of images, or frames of a video: `VIDEO@9.2s`, several `VIDEO@9.2s,12s`. `#REGION`
    behind it crops them to one of the regions.

    Returns:
        The label and its examples, one for each time.

    Raises:
        ValueError: the text can't be read, or names an unknown region.

    Example:
        >>> parse_example_option("person=door.mp4@9.2s,12s")[1][1].time_ns
        12000000000

    """
    label, equals, spec = text.partition("=")
    if not (label and equals and spec):
        raise ValueError(
            f"the example {text!r} can't be read: expected LABEL=SPEC, where SPEC is an image file, a folder of images "
            "or VIDEO@SECONDSs, such as person=door.mp4@9.2s"
        )
    path, region = _split_region(spec, set(region_ids))
    found = _FRAMES.fullmatch(path)
    times = [parse_time(time) for time in found["times"].split(",")] if found else []
    if found is None or None in times:
        return label, [Example(path, None, region)]
    return label, [Example(found["path"], time_ns, region) for time_ns in times]


def _split_region(spec: str, region_ids: set[str]) -> tuple[str, str]:
    path, hash_, region = spec.rpartition("#")
    if not hash_ or (region not in region_ids and Path(spec).exists()):
        return spec, ""
    if region not in region_ids:
        known = ", ".join(sorted(region_ids)) or "none"
        raise ValueError(f"the example {spec!r} names the region {region!r}: regions are {known}")
    return path, region


def load_example(source: ExampleSource) -> Sequence[Image]:
    """Reads an example: one picture, or those of a folder in natural order. An `ExampleLoader`.

    Raises:
        SourceError: the picture, the folder's pictures or the frame can't be found or read.
        OSError: a file can't be read.

    """
    if source.time_ns is not None:
        return [as_example(frame, source.region) for frame in frames_at(str(source.path), [source.time_ns])]
    if source.path.is_dir():
        return [_load_file(path, source.region) for path in _images_in(source.path)]
    if source.path.is_file() and source.path.suffix.lower() not in IMAGE_SUFFIXES:
        raise SourceError(f"{source.path} is no image: give the time of a frame if it is a video, {source.path}@9.2s")
    return [_load_file(source.path, source.region)]


def crop(pixels: UInt8Array, region: Region | None) -> UInt8Array:
    """Returns the part of a picture that a region covers; None: the whole picture."""
    if region is None:
        return pixels
    height, width = pixels.shape[:2]
    left, top, right, bottom = region.pixel_box(width, height)
    return pixels[top:bottom, left:right]


def as_example(pixels: UInt8Array, region: Region | None = None) -> EncodedImage:
    """Returns BGR pixels as an example, cropped to the region, with a shorter side of at most EXAMPLE_SHORT_SIDE."""
    return example_image(shrink_image(crop(pixels, region), EXAMPLE_SHORT_SIDE))


def _images_in(folder: Path) -> list[Path]:
    images = sorted((path for path in folder.iterdir() if path.suffix.lower() in IMAGE_SUFFIXES), key=natural_key)
    if not images:
        raise SourceError(f"the folder {folder} holds no images: expected {', '.join(sorted(IMAGE_SUFFIXES))}")
    return images


def _load_file(path: Path, region: Region | None) -> Image:
    return example_image(path) if region is None else as_example(decoded_file(path), region)
