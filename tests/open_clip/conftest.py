"""Checkpoints in OpenCLIP's format, and OpenCLIP's own pipeline as the reference.

These tests need the extra open-clip, which is outside .venv: tests/integration/test_open_clip.py runs them in a process
that has it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from PIL import Image

from tests.integration.conftest import engine as engine  # noqa: PLC0414 a fixture
from tests.integration.conftest import make_server as make_server  # noqa: PLC0414 a fixture

collect_ignore_glob = [] if find_spec("open_clip") else ["test_*.py"]

LABELS = ["a person", "a bottle on a table", "an empty room", "a dog", "a red car"]

Array = npt.NDArray[np.float32]


class Reference:
    """OpenCLIP's own model, picture pipeline and tokenizer, in fp32."""

    def __init__(self, folder: Path) -> None:
        import open_clip

        self.model, self._prepare = open_clip.create_model_from_pretrained(f"local-dir:{folder}")
        self._tokenizer = open_clip.get_tokenizer(f"local-dir:{folder}")
        self.model.eval()

    def inputs(self, pictures: Sequence[npt.NDArray[np.uint8]]) -> torch.Tensor:
        """Returns the model's inputs of BGR pictures."""
        return torch.stack([self._prepare(Image.fromarray(picture[..., ::-1])) for picture in pictures])

    @torch.inference_mode()
    def images(self, pictures: Sequence[npt.NDArray[np.uint8]]) -> Array:
        return np.asarray(self.model.encode_image(self.inputs(pictures), normalize=True))

    @torch.inference_mode()
    def texts(self, texts: Sequence[str]) -> Array:
        return np.asarray(self.model.encode_text(self._tokenizer(list(texts)), normalize=True))

    @torch.inference_mode()
    def features(self, pictures: Sequence[npt.NDArray[np.uint8]], layer: str, reduce: Callable[[Any], Any]) -> Array:
        """Returns normalised means of the output of one module of the image tower, which a hook records."""
        outputs: list[Any] = []
        hook = self.model.visual.get_submodule(layer).register_forward_hook(lambda *args: outputs.append(args[-1]))
        self.images(pictures)
        hook.remove()
        return np.asarray(torch.nn.functional.normalize(reduce(outputs[0]), dim=-1))

    def probabilities(self, picture: npt.NDArray[np.uint8], texts: Sequence[str]) -> dict[str, float]:
        scale, bias = self.model.logit_scale.exp().item(), self.model.logit_bias
        logits = torch.from_numpy(scale * self.images([picture]) @ self.texts(texts).T)[0]
        found = logits.softmax(-1) if bias is None else torch.sigmoid(logits + bias.item())
        return dict(zip(texts, found.tolist(), strict=True))


@pytest.fixture(scope="session")
def checkpoints(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Makes checkpoints: a function of a name in `CONFIGS` that returns the folder."""
    from tests.open_clip.checkpoints import CONFIGS, make_checkpoint

    made: dict[str, Path] = {}

    def checkpoint(name: str) -> Path:
        if name not in made:
            made[name] = make_checkpoint(tmp_path_factory.mktemp(name), CONFIGS[name])
        return made[name]

    return checkpoint
