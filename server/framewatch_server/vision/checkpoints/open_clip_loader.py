"""From a folder in OpenCLIP's format to an encoder. Only imported where the extra `open-clip` is installed."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import open_clip
import torch
from safetensors.torch import load_file
from timm.utils import reparameterize_model

from framewatch_core.errors import ModelLoadError
from framewatch_core.labels.scoring import Activation, ScoreHead
from framewatch_server.vision.checkpoints.files import OPEN_CLIP_CONFIG, has_tokenizer, read_json
from framewatch_server.vision.checkpoints.open_clip_adapters import OpenClipModel, OpenClipTextReader
from framewatch_server.vision.checkpoints.weights import scalar, weight_paths
from framewatch_server.vision.pixels.preprocess import PreprocessSpec
from framewatch_server.vision.towers.encoder import ModelInfo
from framewatch_server.vision.towers.text_reader import TextReader
from framewatch_server.vision.towers.torch_encoder import CudaEncoder, EncoderParts, TorchEncoder

# Others would choose what code or file is loaded, or cut texts off at random places.
_TOKENIZER_OPTIONS = {"additional_special_tokens", "clean", "strip_sep_token"}

_LONGEST_REASON = 300  # letters of an error of OpenCLIP's; one of weights names each of hundreds


def load_open_clip(folder: Path, info: ModelInfo, device: torch.device, dtype: torch.dtype) -> TorchEncoder:
    """Loads a checkpoint in OpenCLIP's format. While it loads, it takes the memory of its weights in float32.

    Args:
        folder: with open_clip_config.json and safetensors, and a tokenizer where the model doesn't use CLIP's own.
        info: what is known of it without loading it; the rest is filled in.
        device: where it is to compute.
        dtype: and in what.

    Raises:
        ModelLoadError: saying what failed and how to go on.

    """
    config = _checked(folder, read_json(folder / OPEN_CLIP_CONFIG))
    bias = scalar(folder, "logit_bias")
    with _errors_told(folder), _unlogged():
        clip = _clip(folder, bias)
        model, reader = OpenClipModel(clip), _reader(folder, config["text_cfg"])
        preprocess = PreprocessSpec.from_open_clip(open_clip.get_model_preprocess_cfg(clip))
        dimension, feature_dimension = _dimensions(model, reader, preprocess.output_size)
    info = replace(
        info,
        image_size=preprocess.output_size,
        dimension=dimension,
        feature_dimension=feature_dimension,
        device=str(device),
        dtype=str(dtype).removeprefix("torch."),
        max_text_tokens=reader.max_tokens,
    )
    parts = EncoderParts(model.to(device, dtype), reader, preprocess, info, _head(folder, bias), class_tokens=0)
    return CudaEncoder(parts) if device.type == "cuda" else TorchEncoder(parts)


def _checked(folder: Path, config: Mapping[str, Any]) -> Mapping[str, Any]:
    """Its description of the model. Raises ModelLoadError for what would need the network, or could run code."""
    model = config.get("model_cfg")
    if not isinstance(model, dict) or not all(isinstance(model.get(key), dict) for key in ("vision_cfg", "text_cfg")):
        raise ModelLoadError(
            f"{OPEN_CLIP_CONFIG} in {str(folder)!r} describes no model: expected 'model_cfg' with 'vision_cfg' and "
            "'text_cfg' in it; have it anew"
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
    """The model in float32 on the CPU, in the shape that is quickest to run."""
    options = {} if bias is None else {"init_logit_bias": bias}
    # without weights first: left to itself, OpenCLIP would also take a pickle
    clip = open_clip.create_model(f"local-dir:{folder}", load_weights=False, pretrained_text=False, **options)
    paths = weight_paths(folder)
    if len(paths) == 1:
        open_clip.load_checkpoint(clip, str(paths[0]))
    else:
        clip.load_state_dict({name: weight for path in paths for name, weight in load_file(path).items()})
    # branches that were of use in training only become one, in float32: in less, it would change what they give
    reparameterize_model(clip.eval().visual, inplace=True)
    return clip


@torch.inference_mode()
def _dimensions(model: OpenClipModel, reader: TextReader, input_size: tuple[int, int]) -> tuple[int, int]:
    """Of embeddings and of features. No tower says them, so it takes a look at one picture and one text."""
    seen = model.get_image_features(torch.zeros(1, 3, *input_size))
    read = model.get_text_features(**reader.tokens(["a"]))
    if seen.pooler_output.shape != read.pooler_output.shape:
        shapes = tuple(seen.pooler_output.shape), tuple(read.pooler_output.shape)
        raise ValueError(f"a picture's and a text's vectors are of the shapes {shapes}, which can't be compared")
    return seen.pooler_output.shape[1], seen.last_hidden_state.shape[2]


def _head(folder: Path, bias: float | None) -> ScoreHead:
    scale = scalar(folder, "logit_scale")
    if scale is None:
        raise ModelLoadError(
            f"the weights in {str(folder)!r} have no logit_scale: they are not of a whole dual encoder"
        )
    # a bias of 0 is what OpenCLIP gives a softmax model that has none; training with a sigmoid takes it far below
    activation = Activation.SIGMOID if bias else Activation.SOFTMAX
    return ScoreHead(logit_scale=math.exp(scale), logit_bias=bias or 0.0, activation=activation)


@contextmanager
def _errors_told(folder: Path) -> Iterator[None]:
    try:
        yield
    except ModelLoadError:
        raise
    except Exception as error:  # OpenCLIP lets through what its libraries raise, and asserts
        raise ModelLoadError(
            f"the folder {str(folder)!r} holds no checkpoint that OpenCLIP can load ({_reason(error)}): have its files "
            f"anew, from the same revision; {OPEN_CLIP_CONFIG} and the weights must be of one model"
        ) from error


@contextmanager
def _unlogged() -> Iterator[None]:
    """OpenCLIP tells its steps to the root logger; among them, that it has no weights before they are loaded."""
    nowhere = logging.NullHandler()  # where there is no handler, that would set one up for the whole process
    logging.root.addHandler(nowhere)
    logging.root.addFilter(_is_error)
    try:
        yield
    finally:
        logging.root.removeFilter(_is_error)
        logging.root.removeHandler(nowhere)


def _is_error(record: logging.LogRecord) -> bool:
    return record.levelno >= logging.ERROR


def _reason(error: BaseException) -> str:
    """What an error says, on one line."""
    return " ".join(str(error).split())[:_LONGEST_REASON] or type(error).__name__
