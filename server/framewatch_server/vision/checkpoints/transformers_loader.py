"""Loader of checkpoints in transformers' format."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import torch

from framewatch_core.errors import ModelLoadError
from framewatch_core.labels.scoring import ScoreFunction, ScoreHead
from framewatch_server.vision.checkpoints.families import family_of
from framewatch_server.vision.checkpoints.torch_model import TorchModel
from framewatch_server.vision.checkpoints.weights import required_scalar
from framewatch_server.vision.error_text import first_line
from framewatch_server.vision.pixels.preprocess import PreprocessSpec
from framewatch_server.vision.towers.text_reader import TransformersTextReader, position_count

try:
    from transformers import AutoConfig, AutoImageProcessor, AutoModel, AutoTokenizer
    from transformers.utils import logging as transformers_logging
except (ImportError, RuntimeError) as error:
    # transformers imports torchvision wherever it is, and one that was built for another torch fails at once
    raise ModelLoadError(
        f"transformers can't be imported ({first_line(error.__cause__ or error)}). If torchvision is installed, it "
        "must be the build for the installed torch: install it from the index that torch came from, or uninstall it if "
        "it is not needed"
    ) from error

_SHOWN = 3


def load_transformers(folder: Path, name: str, device: torch.device, dtype: torch.dtype) -> TorchModel:
    """Loads a checkpoint in transformers' format.

    Args:
        folder: with config.json, safetensors, tokenizer and preprocessor_config.json.
        name: of the model, for errors.
        device: the device to compute on.
        dtype: the dtype to compute in.

    Raises:
        ModelLoadError: the model can't be served, or its weights are incomplete.
        Exception: anything that transformers raises for files that are broken.

    """
    transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    config = AutoConfig.from_pretrained(folder, trust_remote_code=False)
    family = family_of(config.model_type, name)
    model, loading_info = _model(folder, dtype)
    tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=False)
    processor = AutoImageProcessor.from_pretrained(  # type: ignore[no-untyped-call]
        folder, backend="pil", trust_remote_code=False
    )
    if missing := sorted(loading_info["missing_keys"]):
        # transformers would go on with random numbers in their place
        raise ModelLoadError(
            f"the weights in {str(folder)!r} lack {len(missing)} tensors that the model needs, such as "
            f"{', '.join(missing[:_SHOWN])}: download the checkpoint again"
        )
    is_sigmoid = family.score_function is ScoreFunction.SIGMOID
    return TorchModel(
        model=model.eval().to(device),
        reader=TransformersTextReader(tokenizer, position_count(config.text_config), pads_to_max=family.pads_texts),
        preprocess=PreprocessSpec.from_processor(processor.to_dict()),
        head=ScoreHead(
            # from the file, since the model has them in its dtype
            logit_scale=math.exp(required_scalar(folder, "logit_scale")),
            logit_bias=required_scalar(folder, "logit_bias") if is_sigmoid else 0.0,
            score_function=family.score_function,
        ),
        dimension=_dimension(config),
        feature_dimension=int(config.vision_config.hidden_size),
        class_tokens=family.class_tokens,
    )


def _model(folder: Path, dtype: torch.dtype) -> tuple[Any, dict[str, Any]]:
    """Returns the model, and transformers' report on its loading."""
    found: tuple[Any, dict[str, Any]] = AutoModel.from_pretrained(
        folder,
        dtype=dtype,
        attn_implementation="sdpa",
        use_safetensors=True,
        trust_remote_code=False,
        output_loading_info=True,
    )
    return found


def _dimension(config: Any) -> int:
    """Returns the dimension of the embeddings; in families without a projection it is the image tower's own."""
    return int(getattr(config, "projection_dim", None) or config.vision_config.hidden_size)
