"""Pictures of a label, or of its absence, from image files, folders and frames of videos."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

import cv2
import numpy as np

from framewatch_cli.rules.file import Example, ExampleSource
from framewatch_client import IMAGE_SUFFIXES, Source, SourceError, example_image, natural_key, open_source, shrink_image
from framewatch_core.arrays import UInt8Array
from framewatch_core.calibration.intervals import parse_time
from framewatch_core.images.image import EncodedImage, Image
from framewatch_core.images.regions import Region
from framewatch_core.time import NS_PER_S

EXAMPLE_SHORT_SIDE = 768
"""Pixels of a picture's shorter side; no model looks at more, and a request has room for only so many bytes."""

_FRAMES = re.compile(r"(?P<path>.+)@(?P<times>[\d.:s]+(?:,[\d.:s]+)*)", re.DOTALL)


def parse_example_option(text: str, region_ids: Iterable[str] = ()) -> tuple[str, list[Example]]:
    """Reads `LABEL=SPEC`.

    SPEC is an image file, a folder of images, or frames of a video: `VIDEO@9.2s`, several `VIDEO@9.2s,12s`. `#REGION`
    behind it crops them to one of the regions.

    Returns:
        The label and its examples, one for each time.

    Raises:
        ValueError: it can't be read, or names a region that there is not.

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
        SourceError: there are no such pictures.
        OSError: a file can't be read.

    """
    if source.time_ns is not None:
        return [as_example(frame, source.region) for frame in frames_at(str(source.path), [source.time_ns])]
    if source.path.is_dir():
        return [_load_file(path, source.region) for path in _images_in(source.path)]
    if source.path.is_file() and source.path.suffix.lower() not in IMAGE_SUFFIXES:
        raise SourceError(f"{source.path} is no image: give the time of a frame if it is a video, {source.path}@9.2s")
    return [_load_file(source.path, source.region)]


def frames_at(spec: str, times_ns: Sequence[int]) -> list[UInt8Array]:
    """Frames of a recording as BGR pixels, `[height, width, 3]`, in the order of the times.

    Args:
        spec: a video or images; see `open_source`.
        times_ns: since its first frame; each gives the frame that is nearest.

    Raises:
        SourceError: it can't be opened, it is live, or it ends before.

    """
    with open_source(spec) as source:
        if source.is_live:
            raise SourceError(f"{source.name} is live: examples come from recordings")
        found = _nearest_frames(source, sorted(set(times_ns)))
    if late := [time_ns for time_ns in times_ns if time_ns not in found]:
        raise SourceError(f"{spec} ends before {late[0] / NS_PER_S:g} s, where an example was to be")
    return [found[time_ns] for time_ns in times_ns]


def _nearest_frames(source: Source, times_ns: list[int]) -> dict[int, UInt8Array]:
    found: dict[int, UInt8Array] = {}
    waiting = list(times_ns)
    before: tuple[int, object] | None = None
    for frame in source:
        if not waiting:
            break
        at_ns = round((frame.time_s or 0.0) * NS_PER_S)
        while waiting and at_ns >= waiting[0]:
            time_ns = waiting.pop(0)
            is_nearer = before is not None and time_ns - before[0] < at_ns - time_ns
            found[time_ns] = _pixels(before[1] if before is not None and is_nearer else frame.image)
        before = at_ns, frame.image
    return found


def _pixels(image: object) -> UInt8Array:
    if isinstance(image, np.ndarray):
        return image
    return _decoded(Path(str(image)))


def _decoded(path: Path) -> UInt8Array:
    pixels = cv2.imdecode(np.frombuffer(path.read_bytes(), dtype=np.uint8), cv2.IMREAD_COLOR)
    if pixels is None:
        raise SourceError(f"{path} can't be read as an image")
    return np.asarray(pixels, dtype=np.uint8)


def crop(pixels: UInt8Array, region: Region | None) -> UInt8Array:
    """The part of a picture that a region covers; None: all of it."""
    if region is None:
        return pixels
    height, width = pixels.shape[:2]
    left, top, right, bottom = region.pixel_box(width, height)
    return pixels[top:bottom, left:right]


def as_example(pixels: UInt8Array, region: Region | None = None) -> EncodedImage:
    """Pixels as the example of a label, cropped and at most EXAMPLE_SHORT_SIDE large."""
    return example_image(shrink_image(crop(pixels, region), EXAMPLE_SHORT_SIDE))


def _images_in(folder: Path) -> list[Path]:
    images = sorted((path for path in folder.iterdir() if path.suffix.lower() in IMAGE_SUFFIXES), key=natural_key)
    if not images:
        raise SourceError(f"the folder {folder} holds no images: expected {', '.join(sorted(IMAGE_SUFFIXES))}")
    return images


def _load_file(path: Path, region: Region | None) -> Image:
    return example_image(path) if region is None else as_example(_decoded(path), region)
