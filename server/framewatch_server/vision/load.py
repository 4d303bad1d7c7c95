"""From a model's name to its encoder."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import platformdirs

from framewatch_core.errors import ModelLoadError
from framewatch_server.vision.calibration import folder_calibration, rendered_calibration
from framewatch_server.vision.clip import load_clip, pick_device, pick_dtype
from framewatch_server.vision.encoder import Encoder
from framewatch_server.vision.null import NULL, NullEncoder

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
        name: see `load_clip`; `null` is a model that computes nothing.
        device: see `load_clip`.
        dtype: see `load_clip`; or int8, with OpenVINO only.
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
    if pick_engine(engine, device, dtype) == "torch":
        return load_clip(name, device=device, dtype=dtype)
    from framewatch_server.vision.openvino_encoder import load_openvino  # noqa: PLC0415 an extra

    clip = load_clip(name, device="cpu", dtype="float32")
    chosen = dtype if dtype == INT8 else str(pick_dtype(dtype, pick_device("cpu"))).removeprefix("torch.")
    spec = clip.preprocess
    calibration = folder_calibration(calibration_dir, spec) if calibration_dir else rendered_calibration(spec)
    folder = (cache or platformdirs.user_cache_path("framewatch")) / "openvino"
    return load_openvino(clip, chosen, calibration, folder)


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
