"""What a checkpoint's safetensors say without being loaded."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator
from pathlib import Path

from safetensors import SafetensorError, safe_open

from framewatch_core.errors import ModelLoadError

_INDEX = "model.safetensors.index.json"
_SINGLE = ("model.safetensors", "open_clip_model.safetensors")
_CHUNK = 2**24


def weight_files(folder: Path) -> list[Path]:
    """The files that hold a checkpoint's weights, in the order of their names.

    Raises ModelLoadError: there are none, or not all that the index names.
    """
    index = folder / _INDEX
    if index.is_file():
        files = [folder / name for name in sorted(set(json.loads(index.read_text())["weight_map"].values()))]
        if missing := [file.name for file in files if not file.is_file()]:
            raise ModelLoadError(f"the folder {str(folder)!r} lacks {', '.join(missing)}, which {_INDEX} names")
        return files
    for name in _SINGLE:
        if (file := folder / name).is_file():
            return [file]
    raise ModelLoadError(
        f"the folder {str(folder)!r} has no weights that are read: expected {', '.join(_SINGLE)}, or the parts that "
        f"{_INDEX} names. Weights as pickle (.bin, .pt) are never loaded: convert them to safetensors"
    )


def parameter_counts(folder: Path) -> dict[str, int]:
    """How many numbers each of a checkpoint's tensors has. Raises ModelLoadError: the files can't be read."""
    counts: dict[str, int] = {}
    for file in weight_files(folder):
        try:
            with safe_open(file, framework="numpy") as tensors:
                counts |= {name: math.prod(tensors.get_slice(name).get_shape()) for name in tensors.keys()}  # noqa: SIM118
        except (SafetensorError, OSError) as error:
            raise ModelLoadError(
                f"the weights {str(file)!r} are broken ({error}): get them anew, or check them with "
                "`framewatch-server models verify`"
            ) from error
    return counts


def scalar(folder: Path, name: str) -> float | None:
    """A tensor of one number, as exact as the checkpoint has it; None if there is no such tensor."""
    for file in weight_files(folder):
        with safe_open(file, framework="pt") as tensors:
            if name in tensors.keys():  # noqa: SIM118 it is no mapping
                return float(tensors.get_tensor(name).double().reshape(()))
    return None


def weights_digest(folder: Path) -> str:
    """Names a checkpoint's weights by what is in their files: 16 hexadecimal digits."""
    digest = hashlib.blake2b(digest_size=8)
    for part in _parts(weight_files(folder)):
        digest.update(part)
    return digest.hexdigest()


def _parts(files: list[Path]) -> Iterator[bytes]:
    for file in files:
        with file.open("rb") as stream:
            while part := stream.read(_CHUNK):
                yield part
