"""The pictures that int8 is made with: rendered scenes, or the user's own."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from framewatch_core.arrays import UInt8Array
from framewatch_core.errors import FieldError, ModelLoadError
from framewatch_core.images.image import EncodedImage
from framewatch_demo.scenes import CONCEPTS, render
from framewatch_server.vision.pixels.decode import DecodeLimits
from framewatch_server.vision.pixels.preprocess import PreprocessSpec, prepare
from framewatch_server.vision.pixels.view import WHOLE, look

FIT_PICTURES = 192
"""Rendered scenes, or at most so many of the user's pictures, to set the ranges with."""

CHECK_PICTURES = 48
"""Further ones, to check the result with."""

LEAST_PICTURES = 32
"""Different pictures that a folder must have."""

LEAST_COSINE = 0.999
"""What another dtype must reach against float32 on pictures that it was not made with, on average."""

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp"})

_CHECK_EVERY = 5  # of the user's pictures, one in so many is held out; as many as of the rendered ones
_FAR_FROM_TRAINING = 2**41
_LIMITS = DecodeLimits()


@dataclass(frozen=True)
class Calibration:
    """Pictures for int8, uint8 `[n, 3, height, width]`, made when they are needed.

    Attributes:
        source: where they are from, for the log.
        key: names which pictures these are; others have another key.
        fit: to set the ranges with.
        check: to check the result with; none of those in `fit`.

    """

    source: str
    key: str
    fit: Callable[[], UInt8Array]
    check: Callable[[], UInt8Array]


def rendered_calibration(spec: PreprocessSpec) -> Calibration:
    """Scenes as the demo model knows them, none of which it was trained on."""
    fit, check = range(FIT_PICTURES), range(FIT_PICTURES, FIT_PICTURES + CHECK_PICTURES)
    return Calibration(
        source="rendered scenes",
        key=f"rendered {len(fit)} {len(check)}",
        fit=lambda: np.stack([_scene(number, spec) for number in fit]),
        check=lambda: np.stack([_scene(number, spec) for number in check]),
    )


def folder_calibration(folder: Path, spec: PreprocessSpec) -> Calibration:
    """The JPEG, PNG and WebP files of a folder, of many an even choice over their names.

    Which ones are held out follows from what is in the files, so that a file under another name changes nothing and no
    picture is on both sides.

    Raises:
        ModelLoadError: it is no folder that can be read, or has fewer than LEAST_PICTURES different pictures. `fit` and
            `check` raise it for a picture that can't be decoded.

    """
    by_digest = {_digest(path): path for path in _chosen(_files(folder))}
    if len(by_digest) < LEAST_PICTURES:
        raise ModelLoadError(
            f"the calibration folder {str(folder)!r} has {len(by_digest)} different pictures; expected at least "
            f"{LEAST_PICTURES} JPEG, PNG or WebP files ({', '.join(sorted(SUFFIXES))}) directly in it, better "
            f"{FIT_PICTURES + CHECK_PICTURES}, of what the cameras see"
        )
    digests = sorted(by_digest)
    paths = [by_digest[digest] for digest in digests]
    held_out = paths[::_CHECK_EVERY]
    fit = [path for i, path in enumerate(paths) if i % _CHECK_EVERY]
    return Calibration(
        source=str(folder),
        key=" ".join(digests),
        fit=lambda: np.stack([_picture(path, spec) for path in fit]),
        check=lambda: np.stack([_picture(path, spec) for path in held_out]),
    )


def _files(folder: Path) -> list[Path]:
    """Pictures by their suffix, in the order of their names."""
    try:
        return sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES and path.is_file())
    except OSError as error:
        raise ModelLoadError(
            f"the calibration folder {str(folder)!r} can't be read ({error.strerror}): give a folder with at least "
            f"{LEAST_PICTURES} JPEG, PNG or WebP files"
        ) from error


def _chosen(files: Sequence[Path]) -> list[Path]:
    """As many as are used, evenly over all."""
    count = min(len(files), FIT_PICTURES + CHECK_PICTURES)
    return [files[i * len(files) // count] for i in range(count)]


def _digest(path: Path) -> str:
    return hashlib.blake2b(_bytes(path), digest_size=16).hexdigest()


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ModelLoadError(
            f"the calibration picture {str(path)!r} can't be read ({error.strerror}): make it readable, or remove it"
        ) from error


def _picture(path: Path, spec: PreprocessSpec) -> UInt8Array:
    """A file as the model's input, made as the server makes it of what clients send."""
    try:
        (pixels,) = look(EncodedImage(_bytes(path)), WHOLE, spec, _LIMITS).inputs
        return np.asarray(pixels)
    except FieldError as error:
        raise ModelLoadError(
            f"the calibration picture {str(path)!r} can't be used: {error.message}. Replace it, or remove it"
        ) from error


def _scene(number: int, spec: PreprocessSpec) -> UInt8Array:
    scene = render(CONCEPTS[number % len(CONCEPTS)].name, _FAR_FROM_TRAINING + number, size=(320, 240)).image
    return prepare(np.ascontiguousarray(scene[:, :, ::-1]), spec)
