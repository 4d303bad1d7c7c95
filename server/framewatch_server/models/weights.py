"""How large a checkpoint's weights are in another dtype."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from pathlib import Path

from safetensors import safe_open

from framewatch_server.vision.checkpoint_files import is_transformers, weight_files

ITEM_SIZES = {"float32": 4, "bfloat16": 2, "float16": 2, "int8": 1}

_IMAGE_TOWER = ("vision", "visual")


@dataclass(frozen=True, slots=True)
class WeightCounts:
    """Numbers in a checkpoint's weights.

    Attributes:
        image_matrices: in those of the image tower that have two dimensions or more.
        image_others: in the rest of the image tower, such as biases.
        texts: in all else.

    """

    image_matrices: int
    image_others: int
    texts: int

    def size(self, dtype: str, engine: str) -> int:
        """Bytes of all weights in a dtype of ITEM_SIZES.

        OpenVINO runs the image tower alone, while texts stay in float32, and int8 is for matrices only: what else is
        in the tower is in bfloat16 then.
        """
        item = ITEM_SIZES[dtype]
        others = ITEM_SIZES["bfloat16"] if dtype == "int8" else item
        texts = ITEM_SIZES["float32"] if engine == "openvino" else item
        return self.image_matrices * item + self.image_others * others + self.texts * texts


def count_weights(folder: Path) -> WeightCounts:
    """Counts what is in a folder's safetensors, without reading the weights themselves."""
    matrices = others = texts = 0
    names = weight_files([path.name for path in folder.iterdir()], in_transformers_format=is_transformers(folder))
    for name in names:
        if name.endswith(".json"):
            continue
        with safe_open(folder / name, framework="numpy") as weights:
            for key in weights.keys():  # noqa: SIM118 no mapping
                shape = weights.get_slice(key).get_shape()
                if not key.startswith(_IMAGE_TOWER):
                    texts += prod(shape)
                elif len(shape) > 1:
                    matrices += prod(shape)
                else:
                    others += prod(shape)
    return WeightCounts(matrices, others, texts)
