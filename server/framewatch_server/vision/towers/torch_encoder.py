"""Dual encoders of transformers, run by torch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from framewatch_core.arrays import Float32Array
from framewatch_core.labels.scoring import ScoreHead
from framewatch_server.vision.pixels.preprocess import PreprocessSpec
from framewatch_server.vision.towers.cuda_tower import SLOTS, CudaBackend, CudaTower
from framewatch_server.vision.towers.encoder import BlockingEncoder, DeviceOutOfMemory, ModelInfo
from framewatch_server.vision.towers.text_reader import TextReader

_NOT_OF_IMAGES = ("text_model", "text_projection", "logit_")


@dataclass(frozen=True, slots=True, eq=False)
class EncoderParts:
    """What an encoder is made of.

    Attributes:
        model: of transformers, on its device.
        reader: makes its tokens.
        preprocess: makes its pixels.
        info: what is told of it.
        head: how its cosines become probabilities.
        class_tokens: see `Family`.

    """

    model: Any
    reader: TextReader
    preprocess: PreprocessSpec
    info: ModelInfo
    head: ScoreHead
    class_tokens: int


class TorchEncoder(BlockingEncoder):
    """A checkpoint on one device; see `framewatch_server.vision.towers.encoder.Encoder`."""

    def __init__(self, parts: EncoderParts) -> None:
        """An encoder of a model that is on the device already."""
        self._parts = parts
        self._model = parts.model
        self._reader = parts.reader
        self._class_tokens = parts.class_tokens
        self.preprocess = preprocess = parts.preprocess
        self.info = info = parts.info
        self.head = parts.head
        mean, std = torch.tensor(preprocess.mean), torch.tensor(preprocess.std)
        # (pixel · rescale − mean) / std, as one multiplication and one addition
        self._scale = (preprocess.rescale / std).view(1, 3, 1, 1).to(info.device)
        self._shift = (-mean / std).view(1, 3, 1, 1).to(info.device)
        self._images = self.image_module()

    @torch.inference_mode()
    def encode_images(self, pixels: npt.NDArray[np.uint8]) -> Float32Array:
        """Vectors `[n, vector_size]` of RGB inputs `[n, 3, height, width]`. Raises DeviceOutOfMemory."""
        try:
            vectors: Float32Array = self._images(torch.from_numpy(pixels).to(self.info.device)).cpu().numpy()
        except torch.OutOfMemoryError as error:
            raise DeviceOutOfMemory(str(error)) from error
        return vectors

    def image_module(self) -> torch.nn.Module:
        """From uint8 pixels `[n, 3, height, width]` to float32 vectors `[n, vector_size]`, for other engines too."""
        return _ImageModule(self._model, self._scale, self._shift, self._class_tokens)

    def image_weights(self) -> dict[str, Float32Array]:
        """All weights that `image_module` depends on, by name."""
        weights = self._model.state_dict().items()
        found = {name: weight.float().cpu().numpy() for name, weight in weights if not name.startswith(_NOT_OF_IMAGES)}
        return found | {"scale": self._scale.cpu().numpy(), "shift": self._shift.cpu().numpy()}

    @torch.inference_mode()
    def encode_texts(self, texts: Sequence[str]) -> Float32Array:
        """L2-normalised embeddings `[n, dimension]`; texts longer than the model's context are cut off."""
        tokens = {name: ids.to(self.info.device) for name, ids in self._reader.tokens(texts).items()}
        features = self._model.get_text_features(**tokens)
        vectors: Float32Array = _normalised(features.pooler_output).cpu().numpy()
        return vectors

    def cut_off(self, texts: Sequence[str]) -> frozenset[str]:
        """Those of the texts that are longer than the model's context."""
        return self._reader.cut_off(texts)


class CudaEncoder(TorchEncoder):
    """A checkpoint on a CUDA device, which computes a batch while the next one is on its way."""

    default_batch_size = 128
    in_flight = SLOTS

    def __init__(self, parts: EncoderParts) -> None:
        """An encoder of a model that is on the device already."""
        super().__init__(parts)
        backend = CudaBackend(torch.device(self.info.device))
        self._tower = CudaTower(self._images, self.info.image_size, self.info.vector_size, backend)

    def encode_images(self, pixels: npt.NDArray[np.uint8]) -> Float32Array:
        """Vectors `[n, vector_size]` of RGB inputs `[n, 3, height, width]`. Raises DeviceOutOfMemory."""
        return self.start_images(pixels)()

    def start_images(self, pixels: npt.NDArray[np.uint8]) -> Callable[[], Float32Array]:
        """See `CudaTower.start`."""
        return self._tower.start(pixels)

    def warm(self, max_batch_size: int) -> None:
        """See `CudaTower.warm`."""
        self._tower.warm(max_batch_size)


class _ImageModule(torch.nn.Module):
    def __init__(self, model: Any, scale: torch.Tensor, shift: torch.Tensor, class_tokens: int) -> None:
        super().__init__()
        self._model = model
        self._scale = scale
        self._shift = shift
        self._class_tokens = class_tokens

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        inputs = torch.addcmul(self._shift, pixels.float(), self._scale).to(self._model.dtype)
        seen = self._model.get_image_features(pixel_values=inputs)
        patches = seen.last_hidden_state[:, self._class_tokens :]
        return torch.cat([_normalised(seen.pooler_output), _normalised(patches.float().mean(dim=1))], dim=-1)


def _normalised(features: torch.Tensor) -> torch.Tensor:
    return torch.nn.functional.normalize(features.float(), dim=-1)
