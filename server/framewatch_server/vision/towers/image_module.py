"""The image half of a model as one torch module, which every engine runs or converts."""

from __future__ import annotations

from typing import Any

import torch

from framewatch_core.arrays import Float32Array
from framewatch_server.vision.pixels.preprocess import PreprocessSpec

_NOT_OF_IMAGES = ("text_model", "text_projection", "logit_")


class ImageModule(torch.nn.Module):
    """Image half of a model: uint8 pixels `[n, 3, height, width]` to float32 vectors `[n, vector_size]`."""

    def __init__(self, model: Any, preprocess: PreprocessSpec, class_tokens: int, device: torch.device) -> None:
        """Wraps a model.

        Args:
            model: with transformers' `get_image_features`, on its device.
            preprocess: the mean and standard deviation that pixels are normalised with.
            class_tokens: the number of outputs, at the beginning of the last layer, that belong to no patch.
            device: the model's.

        """
        super().__init__()
        self._model = model
        self._class_tokens = class_tokens
        mean, std = torch.tensor(preprocess.mean), torch.tensor(preprocess.std)
        # (pixel · rescale − mean) / std, as one multiplication and one addition
        self._scale = (preprocess.rescale / std).view(1, 3, 1, 1).to(device)
        self._shift = (-mean / std).view(1, 3, 1, 1).to(device)

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        """Returns embeddings and features, each L2-normalised, side by side."""
        inputs = torch.addcmul(self._shift, pixels.float(), self._scale).to(self._model.dtype)
        output = self._model.get_image_features(pixel_values=inputs)
        patches = output.last_hidden_state[:, self._class_tokens :]
        return torch.cat([normalised(output.pooler_output), normalised(patches.float().mean(dim=1))], dim=-1)

    def weights(self) -> dict[str, Float32Array]:
        """Returns all weights that the vectors depend on, by name."""
        weights = self._model.state_dict().items()
        found = {name: weight.float().cpu().numpy() for name, weight in weights if not name.startswith(_NOT_OF_IMAGES)}
        return found | {"scale": self._scale.cpu().numpy(), "shift": self._shift.cpu().numpy()}


def normalised(features: torch.Tensor) -> torch.Tensor:
    """Returns L2-normalised rows in float32."""
    return torch.nn.functional.normalize(features.float(), dim=-1)
