"""CLIP through torch and transformers."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from transformers import AutoConfig, AutoImageProcessor, AutoModel, AutoTokenizer
from transformers.utils import logging as transformers_logging

from framewatch_core.errors import ModelLoadError
from framewatch_core.scoring import Float32Array, ScoreHead
from framewatch_server.demo import MODEL_DIR
from framewatch_server.vision.cuda_tower import SLOTS, CudaBackend, CudaTower
from framewatch_server.vision.encoder import BlockingEncoder, DeviceOutOfMemory, ModelInfo
from framewatch_server.vision.preprocess import PreprocessSpec

DEMO = "demo"
FAMILIES = ("clip",)
DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


class ClipEncoder(BlockingEncoder):
    """A CLIP checkpoint on one device; see `framewatch_server.vision.encoder.Encoder`."""

    def __init__(self, model: Any, tokenizer: Any, preprocess: PreprocessSpec, info: ModelInfo) -> None:
        self._model = model
        self._tokenizer = tokenizer
        self._max_tokens = int(model.config.text_config.max_position_embeddings)
        self.preprocess = preprocess
        self.info = info
        self.head = ScoreHead(logit_scale=float(model.logit_scale.detach().float().exp()))
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
        return _ImageModule(self._model, self._scale, self._shift)

    def image_weights(self) -> dict[str, Float32Array]:
        """All weights that `image_module` depends on, by name."""
        names = ("vision_model.", "visual_projection.")
        weights = self._model.state_dict().items()
        found = {name: weight.float().cpu().numpy() for name, weight in weights if name.startswith(names)}
        return found | {"scale": self._scale.cpu().numpy(), "shift": self._shift.cpu().numpy()}

    @torch.inference_mode()
    def encode_texts(self, texts: Sequence[str]) -> Float32Array:
        """L2-normalised embeddings `[n, dimension]`; texts longer than the model's context are cut off."""
        tokens = self._tokenizer(
            list(texts), padding=True, truncation=True, max_length=self._max_tokens, return_tensors="pt"
        ).to(self.info.device)
        features = self._model.get_text_features(input_ids=tokens["input_ids"], attention_mask=tokens["attention_mask"])
        vectors: Float32Array = _normalised(features.pooler_output).cpu().numpy()
        return vectors


class CudaClipEncoder(ClipEncoder):
    """A CLIP checkpoint on a CUDA device, which computes a batch while the next one is on its way."""

    default_batch_size = 128
    in_flight = SLOTS

    def __init__(self, model: Any, tokenizer: Any, preprocess: PreprocessSpec, info: ModelInfo) -> None:
        super().__init__(model, tokenizer, preprocess, info)
        backend = CudaBackend(torch.device(info.device))
        self._tower = CudaTower(self._images, info.image_size, info.vector_size, backend)

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
    def __init__(self, model: Any, scale: torch.Tensor, shift: torch.Tensor) -> None:
        super().__init__()
        self._model = model
        self._scale = scale
        self._shift = shift

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        inputs = torch.addcmul(self._shift, pixels.float(), self._scale).to(self._model.dtype)
        seen = self._model.vision_model(pixel_values=inputs)
        embeddings = self._model.visual_projection(seen.pooler_output)
        patches = seen.last_hidden_state[:, 1:]  # behind the class token
        return torch.cat([_normalised(embeddings), _normalised(patches.float().mean(dim=1))], dim=-1)


def _normalised(features: torch.Tensor) -> torch.Tensor:
    return torch.nn.functional.normalize(features.float(), dim=-1)


def load_clip(name: str, *, device: str = "auto", dtype: str = "auto") -> ClipEncoder:
    """Loads a checkpoint.

    Args:
        name: a hub id, a folder with a checkpoint in transformers' format (safetensors), or `demo`.
        device: `auto` (CUDA when there, else CPU) or torch's name of one.
        dtype: `auto` (bfloat16 where the processor has it, else float32), or a key of DTYPES.

    Raises:
        ModelLoadError: saying what failed and how to go on.

    """
    transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    source = str(MODEL_DIR) if name == DEMO else name
    chosen_device = pick_device(device)
    torch_dtype = pick_dtype(dtype, chosen_device)
    try:
        config = AutoConfig.from_pretrained(source, trust_remote_code=False)
        if config.model_type not in FAMILIES:
            raise ModelLoadError(
                f"the model {name!r} is of the family {config.model_type!r}; known: {', '.join(FAMILIES)}"
            )
        model = AutoModel.from_pretrained(
            source, dtype=torch_dtype, attn_implementation="sdpa", use_safetensors=True, trust_remote_code=False
        )
        tokenizer = AutoTokenizer.from_pretrained(source, trust_remote_code=False)
        processor = AutoImageProcessor.from_pretrained(  # type: ignore[no-untyped-call]
            source, backend="pil", trust_remote_code=False
        )
    except (OSError, ValueError) as error:
        raise ModelLoadError(_how_to_go_on(name, error)) from error
    preprocess = PreprocessSpec.from_processor(processor.to_dict())
    info = ModelInfo(
        name=Path(name).name if Path(name).is_dir() else name,
        family=config.model_type,
        image_size=preprocess.output_size,
        dimension=int(config.projection_dim),
        feature_dimension=int(config.vision_config.hidden_size),
        device=str(chosen_device),
        dtype=str(torch_dtype).removeprefix("torch."),
        is_demo=name == DEMO,
    )
    encoder = CudaClipEncoder if chosen_device.type == "cuda" else ClipEncoder
    return encoder(model.eval().to(chosen_device), tokenizer, preprocess, info)


def pick_device(name: str) -> torch.device:
    """The device of that name, or the best one for `auto`. Raises ModelLoadError if it isn't there."""
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError) as error:
        cause = _first_line(error)
        raise ModelLoadError(f"the device {name!r} can't be used ({cause}): use cpu, or cuda with a GPU") from error
    return device


def pick_dtype(name: str, device: torch.device) -> torch.dtype:
    """The dtype of that name; for `auto`, bfloat16 where the processor computes in it natively, else float32."""
    if name != "auto":
        if name not in DTYPES:
            raise ModelLoadError(f"the dtype {name!r} is not known: use auto, {', '.join(DTYPES)}")
        return DTYPES[name]
    return torch.bfloat16 if _has_native_bfloat16(device) else torch.float32


def _has_native_bfloat16(device: torch.device) -> bool:
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    # torch has no public name for these
    checks = (torch.cpu._is_avx512_bf16_supported, torch.cpu._is_amx_tile_supported)  # noqa: SLF001
    return any(check() for check in checks)


def _how_to_go_on(name: str, error: Exception) -> str:
    if Path(name).exists() or name == DEMO:
        return (
            f"the folder {name!r} holds no checkpoint that can be loaded ({_first_line(error)}); expected "
            "transformers' format: config.json, model.safetensors, tokenizer and preprocessor_config.json"
        )
    host = os.environ.get("HF_ENDPOINT", "https://huggingface.co")
    return (
        f"the model {name!r} is no folder and could not be had from {host} ({_first_line(error)}). "
        "To go on: check the name and the network; or download it where there is one (`hf download`) and give the "
        "folder, or the cache as HF_HOME; or name a mirror as HF_ENDPOINT; or try `--model demo`, the embedded one"
    )


def _first_line(error: BaseException) -> str:
    return str(error).strip().partition("\n")[0] or type(error).__name__
