"""From a folder in OpenCLIP's format to an encoder. Only imported where the extra `open-clip` is installed."""

from __future__ import annotations

from pathlib import Path

import torch

from framewatch_core.errors import ModelLoadError
from framewatch_server.vision.encoder import ModelInfo
from framewatch_server.vision.torch_encoder import TorchEncoder


def load_open_clip(folder: Path, info: ModelInfo, device: torch.device, dtype: torch.dtype) -> TorchEncoder:
    """Loads a checkpoint in OpenCLIP's format. Raises ModelLoadError."""
    raise ModelLoadError(f"the model {info.name!r} in {str(folder)!r} can't be loaded on {device} in {dtype} yet")
