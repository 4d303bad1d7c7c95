"""Loader of checkpoints in OpenCLIP's format. Only imported where the extra `open-clip` is installed."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import open_clip
import torch
from safetensors.torch import load_file
from timm.utils import reparameterize_model

from framewatch_core.errors import ModelLoadError
from framewatch_core.labels.scoring import ScoreFunction, ScoreHead
from framewatch_server.vision.checkpoints.files import OPEN_CLIP_CONFIG, has_tokenizer, read_json
from framewatch_server.vision.checkpoints.open_clip_adapters import OpenClipModel, OpenClipTextReader
from framewatch_server.vision.checkpoints.torch_model import TorchModel
from framewatch_server.vision.checkpoints.weights import required_scalar, scalar, weight_paths
from framewatch_server.vision.pixels.preprocess import PreprocessSpec
from framewatch_server.vision.towers.text_reader import TextReader

# Other options would choose the code or the file that is loaded, or cut texts off at random places.
_TOKENIZER_OPTIONS = {"additional_special_tokens", "clean", "strip_sep_token"}


def load_open_clip(folder: Path, device: torch.device, dtype: torch.dtype) -> TorchModel:
    """Loads a checkpoint in OpenCLIP's format. While it loads, it takes the memory of its weights in float32.

    Args:
        folder: with open_clip_config.json and safetensors, and a tokenizer where the model doesn't use CLIP's own.
        device: the device to compute on.
        dtype: the dtype to compute in.

    Raises:
        ModelLoadError: the model can't be served.
        Exception: anything that OpenCLIP and its libraries raise for files that are broken.

    """
    config = _checked(folder, read_json(folder / OPEN_CLIP_CONFIG))
    bias = scalar(folder, "logit_bias")
    with _unlogged():
        clip = _clip(folder, bias)
        model, reader = OpenClipModel(clip), _reader(folder, config["text_cfg"])
        preprocess = PreprocessSpec.from_open_clip(open_clip.get_model_preprocess_cfg(clip))
        dimension, feature_dimension = _dimensions(model, reader, preprocess.output_size)
    return TorchModel(
        model=model.to(device, dtype),
        reader=reader,
        preprocess=preprocess,
        head=_head(folder, bias),
        dimension=dimension,
        feature_dimension=feature_dimension,
        class_tokens=0,
    )


def _checked(folder: Path, config: Mapping[str, Any]) -> Mapping[str, Any]:
    """Returns a configuration's description of the model.

    Raises ModelLoadError for a model that would need the network, or could run code.
    """
    model = config.get("model_cfg")
    if not isinstance(model, dict) or not all(isinstance(model.get(key), dict) for key in ("vision_cfg", "text_cfg")):
        raise ModelLoadError(
            f"{OPEN_CLIP_CONFIG} in {str(folder)!r} describes no model: expected 'model_cfg' with 'vision_cfg' and "
            "'text_cfg' in it; download it again"
        )
    if why := _refusal(folder, model["vision_cfg"], model["text_cfg"]):
        raise ModelLoadError(f"the OpenCLIP model in {str(folder)!r} can't be served: {why}")
    return model


def _refusal(folder: Path, vision: Mapping[str, Any], text: Mapping[str, Any]) -> str:
    trunk, tower, tokenizer = (
        str(part or "")
        for part in (vision.get("timm_model_name"), text.get("hf_model_name"), text.get("hf_tokenizer_name"))
    )
    if ":" in trunk:
        return f"its image tower {trunk!r} would be fetched from elsewhere: take a model whose tower timm knows by name"
    if tower:
        return (
            f"its text tower is built by transformers from {tower!r}, which isn't in the folder: take a model with "
            "OpenCLIP's own text tower, or one in transformers' format"
        )
    if tokenizer and not has_tokenizer(folder):
        return f"its tokenizer isn't in the folder: put the files of {tokenizer!r} there, tokenizer.json and others"
    if others := set(text.get("tokenizer_kwargs") or ()) - _TOKENIZER_OPTIONS:
        return f"its tokenizer_kwargs have {sorted(others)}: expected only {sorted(_TOKENIZER_OPTIONS)}"
    return ""


def _reader(folder: Path, text: Mapping[str, Any]) -> TextReader:
    # transformers would ask at the terminal whether to run a tokenizer's own code
    options = {"trust_remote_code": False} if text.get("hf_tokenizer_name") else {}
    return OpenClipTextReader(open_clip.get_tokenizer(f"local-dir:{folder}", **options))


def _clip(folder: Path, bias: float | None) -> Any:
    """Returns the model in float32 on the CPU, in the form that is quickest to run."""
    options = {} if bias is None else {"init_logit_bias": bias}
    # without weights first: left to itself, OpenCLIP would also take a pickle
    clip = open_clip.create_model(f"local-dir:{folder}", load_weights=False, pretrained_text=False, **options)
    paths = weight_paths(folder)
    if len(paths) == 1:
        open_clip.load_checkpoint(clip, str(paths[0]))
    else:
        clip.load_state_dict({name: weight for path in paths for name, weight in load_file(path).items()})
    # branches that only training needs are merged in float32: in less, merging would change the vectors
    reparameterize_model(clip.eval().visual, inplace=True)
    return clip


@torch.inference_mode()
def _dimensions(model: OpenClipModel, reader: TextReader, input_size: tuple[int, int]) -> tuple[int, int]:
    """Returns the dimensions of embeddings and of features, measured on one picture and one text: no tower has them."""
    images = model.get_image_features(torch.zeros(1, 3, *input_size))
    texts = model.get_text_features(**reader.tokens(["a"]))
    if images.pooler_output.shape != texts.pooler_output.shape:
        shapes = tuple(images.pooler_output.shape), tuple(texts.pooler_output.shape)
        raise ValueError(f"a picture's and a text's vectors have the shapes {shapes}, which can't be compared")
    return images.pooler_output.shape[1], images.last_hidden_state.shape[2]


def _head(folder: Path, bias: float | None) -> ScoreHead:
    # a bias of 0 is what OpenCLIP gives a softmax model that has none; training with a sigmoid takes it far below
    score_function = ScoreFunction.SIGMOID if bias else ScoreFunction.SOFTMAX
    scale = math.exp(required_scalar(folder, "logit_scale"))
    return ScoreHead(logit_scale=scale, logit_bias=bias or 0.0, score_function=score_function)


@contextmanager
def _unlogged() -> Iterator[None]:
    """Silences the root logger, to which OpenCLIP reports each step, such as that it has no weights yet."""
    nowhere = logging.NullHandler()  # without a handler, OpenCLIP's first message would set one up for the process
    logging.root.addHandler(nowhere)
    logging.root.addFilter(_is_error)
    try:
        yield
    finally:
        logging.root.removeFilter(_is_error)
        logging.root.removeHandler(nowhere)


def _is_error(record: logging.LogRecord) -> bool:
    return record.levelno >= logging.ERROR
