"""From a folder in transformers' format to an encoder."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from framewatch_core.errors import ModelLoadError
from framewatch_core.labels.scoring import Activation, ScoreHead
from framewatch_server.vision.checkpoints.families import family_of
from framewatch_server.vision.checkpoints.weights import scalar
from framewatch_server.vision.pixels.preprocess import PreprocessSpec
from framewatch_server.vision.towers.devices import first_line
from framewatch_server.vision.towers.encoder import ModelInfo
from framewatch_server.vision.towers.text_reader import TransformersTextReader, position_count
from framewatch_server.vision.towers.torch_encoder import CudaEncoder, EncoderParts, TorchEncoder

try:
    from transformers import AutoConfig, AutoImageProcessor, AutoModel, AutoTokenizer
    from transformers.utils import logging as transformers_logging
except (ImportError, RuntimeError) as error:
    # transformers imports torchvision wherever it is, and one that was built for another torch fails at once
    raise ModelLoadError(
        f"transformers can't be imported ({first_line(error.__cause__ or error)}). If torchvision is installed, it "
        "must be the build for the very torch that is: have it from the index that torch came from, or uninstall it if "
        "nothing needs it"
    ) from error

_SHOWN = 3


def load_transformers(folder: Path, info: ModelInfo, device: torch.device, dtype: torch.dtype) -> TorchEncoder:
    """Loads a checkpoint in transformers' format.

    Args:
        folder: with config.json, safetensors, tokenizer and preprocessor_config.json.
        info: what is known of it without loading it; the rest is filled in.
        device: where it is to compute.
        dtype: and in what.

    Raises:
        ModelLoadError: saying what failed and how to go on.

    """
    transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        config = AutoConfig.from_pretrained(folder, trust_remote_code=False)
        family = family_of(config.model_type, info.name)
        model, told = _model(folder, dtype)
        tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=False)
        processor = AutoImageProcessor.from_pretrained(  # type: ignore[no-untyped-call]
            folder, backend="pil", trust_remote_code=False
        )
    except (OSError, ValueError, ImportError) as error:
        raise ModelLoadError(
            f"the folder {str(folder)!r} holds no checkpoint that can be loaded ({first_line(error)}); expected "
            "transformers' format: config.json, model.safetensors, tokenizer and preprocessor_config.json"
        ) from error
    if missing := sorted(told["missing_keys"]):
        # transformers would go on with random numbers in their place
        raise ModelLoadError(
            f"the weights in {str(folder)!r} lack {len(missing)} tensors that the model needs, such as "
            f"{', '.join(missing[:_SHOWN])}: have the checkpoint anew"
        )
    preprocess = PreprocessSpec.from_processor(processor.to_dict())
    reader = TransformersTextReader(tokenizer, family, position_count(config.text_config))
    info = replace(
        info,
        family=config.model_type,
        image_size=preprocess.output_size,
        dimension=_dimension(config),
        feature_dimension=int(config.vision_config.hidden_size),
        device=str(device),
        dtype=str(dtype).removeprefix("torch."),
        max_text_tokens=reader.max_tokens,
    )
    head = ScoreHead(
        # from the file, since the model has them in its dtype
        logit_scale=math.exp(_scalar(folder, "logit_scale")),
        logit_bias=_scalar(folder, "logit_bias") if family.activation is Activation.SIGMOID else 0.0,
        activation=family.activation,
    )
    parts = EncoderParts(model.eval().to(device), reader, preprocess, info, head, family.class_tokens)
    return CudaEncoder(parts) if device.type == "cuda" else TorchEncoder(parts)


def _model(folder: Path, dtype: torch.dtype) -> tuple[Any, dict[str, Any]]:
    """The model, and what transformers tells of its loading."""
    found: tuple[Any, dict[str, Any]] = AutoModel.from_pretrained(
        folder,
        dtype=dtype,
        attn_implementation="sdpa",
        use_safetensors=True,
        trust_remote_code=False,
        output_loading_info=True,
    )
    return found


def _scalar(folder: Path, name: str) -> float:
    value = scalar(folder, name)
    if value is None:
        raise ModelLoadError(f"the weights in {str(folder)!r} have no {name}: they are not of a whole dual encoder")
    return value


def _dimension(config: Any) -> int:
    """Of the space that images and texts share; families without a projection have the image tower's own."""
    return int(getattr(config, "projection_dim", None) or config.vision_config.hidden_size)
