"""Choice of the device, the engine and the dtype that a model runs with."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec

import torch

from framewatch_core.errors import ModelLoadError
from framewatch_server.vision.error_text import first_line

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}

INT8 = "int8"
TORCH = "torch"
OPENVINO = "openvino"


@dataclass(frozen=True, slots=True)
class Placement:
    """The place and the precision of a model's computation.

    Attributes:
        device: of both towers.
        engine: of the image tower, `torch` or `openvino`; torch runs every text tower.
        dtype: of the image tower: one of DTYPES, or int8 with OpenVINO.

    """

    device: torch.device
    engine: str
    dtype: str

    @property
    def torch_dtype(self) -> torch.dtype:
        """Dtype that the checkpoint is loaded in: OpenVINO converts from float32, and leaves texts in it."""
        return torch.float32 if self.engine == OPENVINO else DTYPES[self.dtype]


def choose_placement(device: str, dtype: str, engine: str) -> Placement:
    """Returns the placement for names of a device, a dtype and an engine, each of which may be `auto`.

    Raises ModelLoadError if it isn't available here.
    """
    chosen = pick_device(device)
    used = pick_engine(engine, chosen, dtype)
    return Placement(chosen, used, dtype if dtype == INT8 else str(pick_dtype(dtype, chosen)).removeprefix("torch."))


def pick_device(name: str) -> torch.device:
    """Returns the device of that name, or the best one for `auto`. Raises ModelLoadError if it isn't there."""
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError) as error:
        cause = first_line(error)
        raise ModelLoadError(f"the device {name!r} can't be used ({cause}): use cpu, or cuda with a GPU") from error
    return device


def pick_engine(name: str, device: torch.device, dtype: str) -> str:
    """Returns the engine of that name, or the best one for `auto`. Raises ModelLoadError if it isn't available."""
    has_openvino = find_spec("openvino") is not None and find_spec("nncf") is not None
    usable = device.type == "cpu" and has_openvino and dtype != "float16"
    if name == OPENVINO or (name == "auto" and dtype == INT8):
        if not has_openvino:
            raise ModelLoadError(
                "OpenVINO is not installed: install framewatch[openvino], or choose --engine torch and another --dtype"
            )
        if not usable:
            raise ModelLoadError(
                "OpenVINO runs on the CPU, in float32, bfloat16 or int8: choose --device cpu and one of these, or "
                "--engine torch"
            )
        return OPENVINO
    if name == TORCH and dtype == INT8:
        raise ModelLoadError("torch does not run int8 here: choose --engine openvino, or another --dtype")
    return OPENVINO if name == "auto" and usable else TORCH


def pick_dtype(name: str, device: torch.device) -> torch.dtype:
    """Returns the dtype of that name; for `auto`, bfloat16 where the processor has it natively, else float32.

    Raises ModelLoadError if the name is not known.
    """
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
