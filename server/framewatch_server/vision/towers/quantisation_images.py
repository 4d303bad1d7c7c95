"""Quantisation images: the pictures that int8 is made with, rendered scenes or the user's own images."""

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
from framewatch_server.vision.pixels.view import WHOLE, prepare_view

FIT_IMAGES = 192
"""Number of rendered scenes, and largest number of the user's images, that set the ranges."""

CHECK_IMAGES = 48
"""Number of further ones that check the result."""

LEAST_IMAGES = 32
"""Number of different images that a folder must have."""

LEAST_COSINE = 0.999
"""Mean cosine to float32 that another dtype must reach, on pictures that it was not made with."""

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp"})

_CHECK_EVERY = 5  # one in so many of the user's images checks the result: the same share as of the rendered ones
_FAR_FROM_TRAINING = 2**41
_LIMITS = DecodeLimits()


@dataclass(frozen=True, slots=True)
class QuantisationImages:
    """Inputs for int8, uint8 `[n, 3, height, width]`, made when they are needed.

    Attributes:
        source: their origin, for the log.
        key: identifies these images; others have another key.
        fit: makes the inputs that set the ranges.
        check: makes the inputs that check the result; none of them is in `fit`.

    """

    source: str
    key: str
    fit: Callable[[], UInt8Array]
    check: Callable[[], UInt8Array]


def rendered_images(spec: PreprocessSpec) -> QuantisationImages:
    """Returns scenes of the demo model's kind, none of which it was trained on."""
    fit, check = range(FIT_IMAGES), range(FIT_IMAGES, FIT_IMAGES + CHECK_IMAGES)
    return QuantisationImages(
        source="rendered scenes",
        key=f"rendered {len(fit)} {len(check)}",
        fit=lambda: np.stack([_scene(number, spec) for number in fit]),
        check=lambda: np.stack([_scene(number, spec) for number in check]),
    )


def folder_images(folder: Path, spec: PreprocessSpec) -> QuantisationImages:
    """Returns the JPEG, PNG and WebP files of a folder; if there are many, an even choice over their names.

    The files' contents decide which ones check the result, so that another file name changes nothing and no image is on
    both sides.

    Raises:
        ModelLoadError: it is no folder that can be read, or has fewer than LEAST_IMAGES different images. `fit` and
            `check` raise it for an image that can't be decoded.

    """
    by_digest = {_digest(path): path for path in _chosen(_files(folder))}
    if len(by_digest) < LEAST_IMAGES:
        raise ModelLoadError(
            f"the folder of quantisation images {str(folder)!r} has {len(by_digest)} different images; expected at "
            f"least {LEAST_IMAGES} JPEG, PNG or WebP files ({', '.join(sorted(SUFFIXES))}) directly in it, better "
            f"{FIT_IMAGES + CHECK_IMAGES}, of the scenes that the cameras see"
        )
    digests = sorted(by_digest)
    paths = [by_digest[digest] for digest in digests]
    held_out = paths[::_CHECK_EVERY]
    fit = [path for i, path in enumerate(paths) if i % _CHECK_EVERY]
    return QuantisationImages(
        source=str(folder),
        key=" ".join(digests),
        fit=lambda: np.stack([_input(path, spec) for path in fit]),
        check=lambda: np.stack([_input(path, spec) for path in held_out]),
    )


def _files(folder: Path) -> list[Path]:
    """Returns the files whose suffix is an image's, in the order of their names."""
    try:
        return sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES and path.is_file())
    except OSError as error:
        raise ModelLoadError(
            f"the folder of quantisation images {str(folder)!r} can't be read ({error.strerror}): give a folder with "
            f"at least {LEAST_IMAGES} JPEG, PNG or WebP files"
        ) from error


def _chosen(files: Sequence[Path]) -> list[Path]:
    """Returns as many files as are used, evenly spread over all."""
    count = min(len(files), FIT_IMAGES + CHECK_IMAGES)
    return [files[i * len(files) // count] for i in range(count)]


def _digest(path: Path) -> str:
    return hashlib.blake2b(_bytes(path), digest_size=16).hexdigest()


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ModelLoadError(
            f"the quantisation image {str(path)!r} can't be read ({error.strerror}): make it readable, or remove it"
        ) from error


def _input(path: Path, spec: PreprocessSpec) -> UInt8Array:
    """Returns the model's input of a file, made in the same way as the server makes it of a client's image."""
    try:
        (pixels,) = prepare_view(EncodedImage(_bytes(path)), WHOLE, spec, _LIMITS).inputs
        return np.asarray(pixels)
    except FieldError as error:
        raise ModelLoadError(
            f"the quantisation image {str(path)!r} can't be used: {error.message}. Replace it, or remove it"
        ) from error


def _scene(number: int, spec: PreprocessSpec) -> UInt8Array:
    scene = render(CONCEPTS[number % len(CONCEPTS)].name, _FAR_FROM_TRAINING + number, size=(320, 240)).image
    return prepare(np.ascontiguousarray(scene[:, :, ::-1]), spec)
