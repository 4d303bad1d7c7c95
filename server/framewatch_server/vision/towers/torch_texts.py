"""The text tower that torch runs, which is beside every image tower of a checkpoint."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from framewatch_core.arrays import Float32Array
from framewatch_server.vision.towers.image_module import normalised
from framewatch_server.vision.towers.text_reader import TextReader
from framewatch_server.vision.towers.torch_memory import memory_errors


class TorchTextTower:
    """A model's text tower on one device; see `TextTower`."""

    def __init__(self, model: Any, reader: TextReader, device: torch.device) -> None:
        """Sets up a tower.

        Args:
            model: with transformers' `get_text_features`, on its device.
            reader: makes the model's tokens.
            device: the model's.

        """
        self._model = model
        self._reader = reader
        self._device = device

    @torch.inference_mode()
    def encode(self, texts: Sequence[str]) -> Float32Array:
        """Returns L2-normalised embeddings `[n, dimension]`; texts longer than the model's context are cut off.

        Raises DeviceOutOfMemory.
        """
        with memory_errors():
            tokens = {name: ids.to(self._device) for name, ids in self._reader.tokens(texts).items()}
            features = self._model.get_text_features(**tokens)
            vectors: Float32Array = normalised(features.pooler_output).cpu().numpy()
        return vectors

    def cut_off(self, texts: Sequence[str]) -> frozenset[str]:
        """Returns the texts that are longer than the model's context."""
        return self._reader.cut_off(texts)
