"""Where models compute and in what."""

from __future__ import annotations

import torch

from framewatch_core.errors import ModelLoadError

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


def pick_device(name: str) -> torch.device:
    """The device of that name, or the best one for `auto`. Raises ModelLoadError if it isn't there."""
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError) as error:
        cause = first_line(error)
        raise ModelLoadError(f"the device {name!r} can't be used ({cause}): use cpu, or cuda with a GPU") from error
    return device


def pick_dtype(name: str, device: torch.device) -> torch.dtype:
    """The dtype of that name; for `auto`, bfloat16 where the processor computes in it natively, else float32."""
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


def first_line(error: BaseException) -> str:
    """What an error says first; its kind, if it says nothing."""
    return str(error).strip().partition("\n")[0] or type(error).__name__
