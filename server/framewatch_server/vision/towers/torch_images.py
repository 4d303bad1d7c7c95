"""An image tower that torch runs, a batch at a time."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch

from framewatch_core.arrays import Float32Array
from framewatch_server.vision.towers.encoder import BlockingImageTower
from framewatch_server.vision.towers.image_module import ImageModule
from framewatch_server.vision.towers.torch_memory import memory_errors


class TorchImageTower(BlockingImageTower):
    """A model's image tower on one device; see `ImageTower`."""

    def __init__(self, module: ImageModule, image_size: tuple[int, int], device: torch.device) -> None:
        """Sets up a tower of a module that is on the device already; `image_size`: height and width."""
        self.module = module
        self.image_size = image_size
        self._device = device

    @torch.inference_mode()
    def encode(self, pixels: npt.NDArray[np.uint8]) -> Float32Array:
        """Returns vectors `[n, vector_size]` of RGB inputs `[n, 3, height, width]`. Raises DeviceOutOfMemory."""
        with memory_errors():
            vectors: Float32Array = self.module(torch.from_numpy(pixels).to(self._device)).cpu().numpy()
        return vectors
