"""The files that a checkpoint needs, by their names, and the ones that a folder lacks."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Sequence
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from framewatch_core.errors import ModelLoadError
from framewatch_core.quoting import quoted
from framewatch_server.vision.checkpoints.families import OPEN_CLIP

CONFIG = "config.json"
OPEN_CLIP_CONFIG = "open_clip_config.json"
CARD = "README.md"

EXPECTED_FILES = (
    "a checkpoint in transformers' format (config.json, preprocessor_config.json, a tokenizer, model.safetensors) or "
    "in OpenCLIP's (open_clip_config.json, open_clip_model.safetensors)"
)
"""The files of a checkpoint, for errors."""

_PROCESSORS = ("preprocessor_config.json", "processor_config.json")
_TOKENIZERS = ("tokenizer.json", "vocab.*", "*.model")
_SMALL = (
    CONFIG,
    OPEN_CLIP_CONFIG,
    CARD,
    *_PROCESSORS,
    *_TOKENIZERS,
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "merges.txt",
    "sentencepiece*",
)
_PICKLES = ("*.bin", "*.h5", "*.msgpack", "*.onnx", "*.pt", "*.pth", "*.ckpt", "*.pkl", "*.pickle")
_WEIGHTS = "model.safetensors"
_OPEN_CLIP_WEIGHTS = "open_clip_model.safetensors"
_OPEN_CLIP_CONVERTED = "open_clip_pytorch_model.safetensors"  # the name that the hub's own converter of pickles uses


def small_files(names: Iterable[str]) -> list[str]:
    """Returns the files of a repository that describe the model and the making of its inputs, sorted."""
    return sorted(name for name in names if _matches(name, _SMALL) and not _matches(name, _PICKLES))


def weight_files(names: Collection[str], *, in_transformers_format: bool) -> list[str]:
    """Returns the files of a repository that hold its weights, sorted; an empty list where it has no safetensors.

    A repository may hold the same weights twice, for transformers and for OpenCLIP: only the ones that its
    configuration is for are needed.

    Args:
        names: of the repository's files.
        in_transformers_format: True if its configuration is transformers'; see `is_transformers`.

    """
    open_clips = (_OPEN_CLIP_WEIGHTS, _OPEN_CLIP_CONVERTED)
    kinds = (_WEIGHTS, *open_clips) if in_transformers_format else (*open_clips, _WEIGHTS)
    for whole in kinds:
        if whole in names:
            return [whole]
        if f"{whole}.index.json" in names:
            shards = whole.replace(".safetensors", "-*-of-*.safetensors")
            return sorted([f"{whole}.index.json", *(name for name in names if _matches(name, (shards,)))])
    return []


def is_transformers(folder: Path) -> bool:
    """Returns True if a folder's configuration is transformers' rather than OpenCLIP's."""
    return "model_type" in read_json(folder / CONFIG)


def family(folder: Path) -> str:
    """Returns transformers' model type, `open_clip` for OpenCLIP's format, or an empty string for neither."""
    if is_transformers(folder):
        return str(read_json(folder / CONFIG)["model_type"])
    return OPEN_CLIP if (folder / OPEN_CLIP_CONFIG).is_file() else ""


def has_tokenizer(folder: Path) -> bool:
    """Returns True if a folder holds a tokenizer's files."""
    return any(_matches(path.name, _TOKENIZERS) for path in folder.iterdir() if path.is_file())


def missing_files(folder: Path) -> list[str]:
    """Returns the names of the files that a checkpoint needs and its folder lacks; empty if it is complete.

    Raises:
        ModelLoadError: one of its JSON files can't be read.

    """
    names = {path.name for path in folder.iterdir() if path.is_file()}
    transformers = is_transformers(folder)
    if not transformers and OPEN_CLIP_CONFIG not in names:
        return [CONFIG]
    # OpenCLIP's configuration has the preprocessing in it, and OpenCLIP knows its tokenizer
    needed = [_first_or_any(names, _PROCESSORS), _first_or_any(names, _TOKENIZERS)] if transformers else []
    weights = weight_files(names, in_transformers_format=transformers)
    whole = _WEIGHTS if transformers else _OPEN_CLIP_WEIGHTS
    return [name for name in needed if name not in names] + _missing_weights(folder, weights or [whole])


def read_json(path: Path) -> dict[str, Any]:
    """Returns a file's object; an empty one without the file. Raises ModelLoadError if it is there and is broken."""
    try:
        found = json.loads(path.read_bytes())
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise ModelLoadError(
            f"{str(path)!r} can't be read as JSON ({error}): correct it, or download it again "
            "(`framewatch-server models download` repairs the hub's cache)"
        ) from error
    if not isinstance(found, dict):
        raise ModelLoadError(f"{str(path)!r} holds no JSON object: correct it, or download it again")
    return found


def shards(index: Path) -> set[str]:
    """Returns the names of the files that an index of weights lists.

    Raises ModelLoadError for an index that can't be read, or one that names files outside of its folder.
    """
    places = read_json(index).get("weight_map", {})
    names = places.values() if isinstance(places, dict) else [places]
    if odd := [name for name in names if not _is_file_name(name)]:
        raise ModelLoadError(
            f"{str(index)!r} places weights in {quoted(str(odd[0]))}: expected names of files in its own folder; "
            "download it again (`framewatch-server models download` repairs the hub's cache)"
        )
    return set(names)


def _is_file_name(name: object) -> bool:
    """Returns True for one component of a path that is neither the folder nor its parent."""
    return isinstance(name, str) and name not in {"", ".", ".."} and not {"/", "\0"} & set(name)


def _first_or_any(names: Collection[str], patterns: Sequence[str]) -> str:
    """Returns a file that matches, else the first pattern, which is the name that most checkpoints use."""
    return next((name for name in sorted(names) if _matches(name, patterns)), patterns[0])


def _missing_weights(folder: Path, weights: Sequence[str]) -> list[str]:
    needed = set(weights)
    for name in weights:
        if name.endswith(".index.json"):
            needed |= shards(folder / name)
    return sorted(name for name in needed if not (folder / name).is_file())


def _matches(name: str, patterns: Iterable[str]) -> bool:
    """Returns True for a file beside the configuration that matches: other folders hold other models and formats."""
    return "/" not in name and any(fnmatch(name, pattern) for pattern in patterns)
