"""From a model's name to its encoder."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import platformdirs

from framewatch_core.errors import ModelLoadError
from framewatch_server.demo.scenes import CONCEPTS, render
from framewatch_server.vision.clip import load_clip, pick_device, pick_dtype
from framewatch_server.vision.encoder import Encoder
from framewatch_server.vision.null import NULL, NullEncoder
from framewatch_server.vision.preprocess import PreprocessSpec, prepare

INT8 = "int8"
_FIT_PICTURES = 192
_CHECK_PICTURES = 48
_FAR_FROM_TRAINING = 2**41


def load_encoder(
    name: str,
    *,
    device: str = "auto",
    dtype: str = "auto",
    engine: str = "auto",
    cache: Path | None = None,
) -> Encoder:
    """Loads a model.

    Args:
        name: see `load_clip`; `null` is a model that computes nothing.
        device: see `load_clip`.
        dtype: see `load_clip`; or int8, with OpenVINO only.
        engine: torch, openvino, or auto: OpenVINO where it is installed and the device is a CPU, else torch.
        cache: folder for what takes long to make; the user's cache folder unless given.

    Raises:
        ModelLoadError: saying what failed and how to go on.

    """
    if name == NULL:
        return NullEncoder()
    if pick_engine(engine, device, dtype) == "torch":
        return load_clip(name, device=device, dtype=dtype)
    from framewatch_server.vision.openvino_encoder import Calibration, load_openvino  # noqa: PLC0415 an extra

    clip = load_clip(name, device="cpu", dtype="float32")
    chosen = dtype if dtype == INT8 else str(pick_dtype(dtype, pick_device("cpu"))).removeprefix("torch.")
    calibration = Calibration(
        fit=lambda: _pictures(clip.preprocess, 0, _FIT_PICTURES),
        check=lambda: _pictures(clip.preprocess, _FIT_PICTURES, _CHECK_PICTURES),
    )
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


def _pictures(spec: PreprocessSpec, first: int, count: int) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    """Rendered scenes as the model's input, uint8 `[count, 3, height, width]`."""
    scenes = (
        render(CONCEPTS[i % len(CONCEPTS)].name, _FAR_FROM_TRAINING + i, size=(320, 240)).image
        for i in range(first, first + count)
    )
    return np.stack([prepare(np.ascontiguousarray(scene[:, :, ::-1]), spec) for scene in scenes])
