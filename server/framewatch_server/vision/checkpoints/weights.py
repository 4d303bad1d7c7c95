"""Facts about a checkpoint's safetensors that are read without loading them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from pathlib import Path

from safetensors import SafetensorError, safe_open

from framewatch_core.errors import ModelLoadError
from framewatch_server.vision.checkpoints.files import is_transformers, shards, weight_files

ITEM_SIZES = {"float32": 4, "bfloat16": 2, "float16": 2, "int8": 1}

_IMAGE_TOWER = ("vision", "visual")
_CHUNK = 2**24


@dataclass(frozen=True, slots=True)
class WeightCounts:
    """Number of a checkpoint's weights.

    Attributes:
        image_matrices: in the image tower's tensors of two dimensions or more.
        image_others: in the rest of the image tower, such as biases.
        texts: in everything else.

    """

    image_matrices: int
    image_others: int
    texts: int

    @property
    def images(self) -> int:
        """Number of weights in the image tower."""
        return self.image_matrices + self.image_others

    def size(self, dtype: str, engine: str) -> int:
        """Returns the bytes of all weights in a dtype of ITEM_SIZES.

        OpenVINO runs the image tower alone, while texts stay in float32, and int8 is for matrices only: the tower's
        other weights are in bfloat16 then.
        """
        item = ITEM_SIZES[dtype]
        others = ITEM_SIZES["bfloat16"] if dtype == "int8" else item
        texts = ITEM_SIZES["float32"] if engine == "openvino" else item
        return self.image_matrices * item + self.image_others * others + self.texts * texts


def count_weights(folder: Path) -> WeightCounts:
    """Counts the weights in a folder's safetensors without reading them. Raises ModelLoadError."""
    matrices = others = texts = 0
    for path in weight_paths(folder):
        for key, shape in _shapes(path).items():
            if not key.startswith(_IMAGE_TOWER):
                texts += prod(shape)
            elif len(shape) > 1:
                matrices += prod(shape)
            else:
                others += prod(shape)
    return WeightCounts(matrices, others, texts)


def scalar(folder: Path, name: str) -> float | None:
    """Returns a tensor of one number, as exact as in the checkpoint; None if there is no such tensor."""
    for path in weight_paths(folder):
        with safe_open(path, framework="pt") as tensors:
            if name in tensors.keys():  # noqa: SIM118 it is no mapping
                return float(tensors.get_tensor(name).double().reshape(()))
    return None


def required_scalar(folder: Path, name: str) -> float:
    """Returns a tensor of one number, see `scalar`. Raises ModelLoadError if there is no such tensor."""
    value = scalar(folder, name)
    if value is None:
        raise ModelLoadError(f"the weights in {str(folder)!r} have no {name}: they are not those of a dual encoder")
    return value


def weights_digest(folder: Path) -> str:
    """Identifies a checkpoint's weights by its tensors, in any number of files: 16 hexadecimal digits.

    Raises ModelLoadError.
    """
    places = {name: place for path in weight_paths(folder) for name, place in _places(path).items()}
    digest = hashlib.blake2b(digest_size=8)
    for name, place in sorted(places.items()):
        digest.update(f"{name} {place.dtype} {place.shape}\n".encode())
        for part in _parts(place):
            digest.update(part)
    return digest.hexdigest()


def weight_paths(folder: Path) -> list[Path]:
    """Returns the safetensors that hold a folder's weights, one or its shards. Raises ModelLoadError for none."""
    names = [path.name for path in folder.iterdir()]
    files = weight_files(names, in_transformers_format=is_transformers(folder))
    for name in files:
        if name.endswith(".json"):
            shards(folder / name)  # transformers opens what the index names
    paths = [folder / name for name in files if not name.endswith(".json")]
    if not paths:
        raise ModelLoadError(
            f"the folder {str(folder)!r} has no weights in safetensors: expected model.safetensors. Weights as pickle "
            "(.bin, .pt) can run code and are never loaded: convert them to safetensors"
        )
    return paths


def _shapes(path: Path) -> dict[str, list[int]]:
    try:
        with safe_open(path, framework="numpy") as tensors:
            return {key: tensors.get_slice(key).get_shape() for key in tensors.keys()}  # noqa: SIM118 no mapping
    except (SafetensorError, OSError) as error:
        raise ModelLoadError(
            f"the weights {str(path)!r} can't be read ({error}): download the file again; `framewatch-server models "
            "verify` checks a model from the hub"
        ) from error


@dataclass(frozen=True, slots=True)
class _Place:
    """The place of a tensor's bytes."""

    path: Path
    dtype: str
    shape: tuple[int, ...]
    start: int
    end: int


def _places(path: Path) -> dict[str, _Place]:
    """Returns tensors' places by name. A file has the header's length in 8 bytes, the header as JSON, the tensors."""
    _shapes(path)  # raises the error for a file that is no safetensors
    with path.open("rb") as stream:
        length = int.from_bytes(stream.read(8), "little")
        header = json.loads(stream.read(length))
    first = 8 + length
    return {
        name: _Place(path, entry["dtype"], tuple(entry["shape"]), *(first + at for at in entry["data_offsets"]))
        for name, entry in header.items()
        if name != "__metadata__"
    }


def _parts(place: _Place) -> Iterator[bytes]:
    with place.path.open("rb") as stream:
        stream.seek(place.start)
        left = place.end - place.start
        while part := stream.read(min(left, _CHUNK)):
            left -= len(part)
            yield part
