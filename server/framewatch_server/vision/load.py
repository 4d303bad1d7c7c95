"""From a model's name to its encoder."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import platformdirs
import torch

from framewatch_core.errors import ModelLoadError
from framewatch_server.demo import MODEL_DIR
from framewatch_server.vision.calibration import folder_calibration, rendered_calibration
from framewatch_server.vision.devices import pick_device, pick_dtype
from framewatch_server.vision.encoder import Encoder, ModelInfo
from framewatch_server.vision.null import NULL, NullEncoder
from framewatch_server.vision.transformers_loader import load_transformers
from framewatch_server.vision.weights import weights_digest

DEMO = "demo"
INT8 = "int8"


def load_encoder(
    name: str,
    *,
    device: str = "auto",
    dtype: str = "auto",
    engine: str = "auto",
    cache: Path | None = None,
    calibration_dir: Path | None = None,
) -> Encoder:
    """Loads a model.

    Args:
        name: a hub id, a folder with a checkpoint (safetensors), `demo`, or `null`, a model that computes nothing.
        device: `auto` (CUDA when there, else CPU) or torch's name of one.
        dtype: `auto` (bfloat16 where the processor has it, else float32), float32, bfloat16, float16; or int8, with
            OpenVINO only.
        engine: torch, openvino, or auto: OpenVINO where it is installed and the device is a CPU, else torch.
        cache: folder for what takes long to make; the user's cache folder unless given.
        calibration_dir: folder of pictures that int8 is made with; rendered scenes unless given.

    Raises:
        ModelLoadError: saying what failed and how to go on.

    """
    if name == NULL:
        return NullEncoder()
    if calibration_dir is not None and dtype != INT8:
        raise ModelLoadError("the calibration folder is for int8: add --dtype int8, or leave --calibration-dir out")
    folder, info = _located(name)
    if pick_engine(engine, device, dtype) == "torch":
        chosen = pick_device(device)
        return load_transformers(folder, info, chosen, pick_dtype(dtype, chosen))
    from framewatch_server.vision.openvino_encoder import load_openvino  # noqa: PLC0415 an extra

    exact = load_transformers(folder, info, torch.device("cpu"), torch.float32)
    to_dtype = dtype if dtype == INT8 else str(pick_dtype(dtype, torch.device("cpu"))).removeprefix("torch.")
    spec = exact.preprocess
    calibration = folder_calibration(calibration_dir, spec) if calibration_dir else rendered_calibration(spec)
    made = (cache or platformdirs.user_cache_path("framewatch")) / "openvino"
    return load_openvino(exact, to_dtype, calibration, made)


def _located(name: str) -> tuple[Path, ModelInfo]:
    folder = MODEL_DIR if name == DEMO else Path(name)
    info = ModelInfo(
        name=folder.name if name != DEMO else DEMO,
        family="",
        image_size=(0, 0),
        dimension=0,
        feature_dimension=0,
        device="",
        dtype="",
        is_demo=name == DEMO,
        weights_digest=weights_digest(folder),
    )
    return folder, info


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
