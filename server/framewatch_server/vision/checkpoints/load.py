"""From a model's name to its encoder."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import platformdirs
import torch

from framewatch_core.errors import ModelLoadError
from framewatch_server.vision.checkpoints.families import OPEN_CLIP, family_of
from framewatch_server.vision.checkpoints.files import family, is_transformers, missing_files
from framewatch_server.vision.checkpoints.hub.fetch import Checkpoint, find_checkpoint
from framewatch_server.vision.checkpoints.hub.progress import LoggedProgress
from framewatch_server.vision.checkpoints.memory import ModelTooLarge, check_fits, free_bytes, needed_bytes
from framewatch_server.vision.checkpoints.source import ModelSource, SourceKind
from framewatch_server.vision.checkpoints.transformers_loader import load_transformers
from framewatch_server.vision.checkpoints.weights import count_weights, weights_digest
from framewatch_server.vision.towers.calibration import folder_calibration, rendered_calibration
from framewatch_server.vision.towers.devices import first_line, pick_device, pick_dtype
from framewatch_server.vision.towers.encoder import Encoder, ModelInfo
from framewatch_server.vision.towers.null import NullEncoder
from framewatch_server.vision.towers.torch_encoder import TorchEncoder

INT8 = "int8"


def load_encoder(
    name: str,
    *,
    device: str = "auto",
    dtype: str = "auto",
    engine: str = "auto",
    cache: Path | None = None,
    calibration_dir: Path | None = None,
    offline: bool = False,
) -> Encoder:
    """Loads a model.

    Args:
        name: `[NAME=]WHERE[@REVISION]`, see `ModelSource`: a hub id, a folder with a checkpoint (safetensors), `demo`,
            or `null`, a model that computes nothing.
        device: `auto` (CUDA when there, else CPU) or torch's name of one.
        dtype: `auto` (bfloat16 where the processor has it, else float32), float32, bfloat16, float16; or int8, with
            OpenVINO only.
        engine: torch, openvino, or auto: OpenVINO where it is installed and the device is a CPU, else torch.
        cache: folder for what takes long to make; the user's cache folder unless given.
        calibration_dir: folder of pictures that int8 is made with; rendered scenes unless given.
        offline: never use the network.

    Raises:
        ModelLoadError: saying what failed and how to go on.

    """
    source = ModelSource.parse(name)
    if source.kind is SourceKind.NULL:
        return NullEncoder(source.name)
    if calibration_dir is not None and dtype != INT8:
        raise ModelLoadError("the calibration folder is for int8: add --dtype int8, or leave --calibration-dir out")
    checkpoint = find_checkpoint(source, offline=offline, progress=LoggedProgress())
    if is_transformers(checkpoint.folder):
        family_of(family(checkpoint.folder), source.name)  # before its files are missed
    if missing := missing_files(checkpoint.folder):
        raise ModelLoadError(
            f"the folder {str(checkpoint.folder)!r} lacks {', '.join(missing)}: expected a checkpoint in transformers' "
            "format (config.json, preprocessor_config.json, a tokenizer, model.safetensors) or in OpenCLIP's "
            "(open_clip_config.json, open_clip_model.safetensors)"
        )
    chosen = pick_device(device)
    if pick_engine(engine, device, dtype) == "torch":
        torch_dtype = pick_dtype(dtype, chosen)
        return _load(checkpoint, _accounted(checkpoint, "torch", torch_dtype, chosen), chosen, torch_dtype)
    from framewatch_server.vision.towers.openvino_encoder import load_openvino  # noqa: PLC0415 an extra

    to_dtype = dtype if dtype == INT8 else _name(pick_dtype(dtype, chosen))
    exact = _load(checkpoint, _accounted(checkpoint, "openvino", to_dtype, chosen), chosen, torch.float32)
    spec = exact.preprocess
    calibration = folder_calibration(calibration_dir, spec) if calibration_dir else rendered_calibration(spec)
    made = (cache or platformdirs.user_cache_path("framewatch")) / "openvino"
    return load_openvino(exact, to_dtype, calibration, made)


def _accounted(checkpoint: Checkpoint, engine: str, dtype: torch.dtype | str, device: torch.device) -> ModelInfo:
    """What is known of a model before it is loaded. Raises ModelTooLarge: it would not fit into memory."""
    source = checkpoint.source
    name = dtype if isinstance(dtype, str) else _name(dtype)
    kind = family(checkpoint.folder)
    needed = needed_bytes(count_weights(checkpoint.folder), engine, name, device.type, kind)
    check_fits(source.name, needed, free_bytes(device), str(device))
    return ModelInfo(
        name=source.name,
        family=kind,
        image_size=(0, 0),
        dimension=0,
        feature_dimension=0,
        device=str(device),
        dtype=name,
        is_demo=source.kind is SourceKind.DEMO,
        revision=checkpoint.commit,
        weights_digest=weights_digest(checkpoint.folder),
        memory_bytes=needed,
    )


def _load(checkpoint: Checkpoint, info: ModelInfo, device: torch.device, dtype: torch.dtype) -> TorchEncoder:
    try:
        return _load_family(checkpoint, info, device, dtype)
    except ModelLoadError:
        raise
    except torch.OutOfMemoryError as error:
        raise ModelTooLarge(
            f"the model {info.name!r} did not fit into the memory of {device} ({first_line(error)}): take a smaller "
            "one or a smaller --dtype, or leave another --model out"
        ) from error
    except Exception as error:
        # files can be broken in any way, and the libraries that read them say so in as many
        raise ModelLoadError(
            f"the checkpoint in {str(checkpoint.folder)!r} can't be loaded ({type(error).__name__}: "
            f"{first_line(error)}): have it anew; `framewatch-server models verify` checks one from the hub"
        ) from error


def _load_family(checkpoint: Checkpoint, info: ModelInfo, device: torch.device, dtype: torch.dtype) -> TorchEncoder:
    if info.family != OPEN_CLIP:
        return load_transformers(checkpoint.folder, info, device, dtype)
    if find_spec("open_clip") is None:
        raise ModelLoadError(
            f"the model {info.name!r} is in OpenCLIP's format, and open_clip is not installed: install "
            "framewatch[open-clip], or take the model in transformers' format"
        )
    try:
        from framewatch_server.vision.checkpoints.open_clip_loader import load_open_clip  # noqa: PLC0415 an extra
    except ImportError as error:
        raise ModelLoadError(
            f"open_clip is installed and can't be imported ({first_line(error)}): install framewatch[open-clip] anew, "
            "with all that it needs"
        ) from error
    return load_open_clip(checkpoint.folder, info, device, dtype)


def _name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


def pick_engine(name: str, device: str, dtype: str) -> str:
    """The engine of that name, or the best one for `auto`. Raises ModelLoadError if it can't be had."""
    on_cpu = pick_device(device).type == "cpu"
    has_openvino = find_spec("openvino") is not None and find_spec("nncf") is not None
    usable = on_cpu and has_openvino and dtype != "float16"
    if name == "openvino" or (name == "auto" and dtype == INT8):
        if not has_openvino:
            raise ModelLoadError(
                "OpenVINO is not installed: install framewatch[openvino], or choose --engine torch and another --dtype"
            )
        if not usable:
            raise ModelLoadError(
                "OpenVINO runs on the CPU, in float32, bfloat16 or int8: choose --device cpu and one of these, or "
                "--engine torch"
            )
        return "openvino"
    if name == "torch" and dtype == INT8:
        raise ModelLoadError("torch does not run int8 here: choose --engine openvino, or another --dtype")
    return "openvino" if name == "auto" and usable else "torch"
