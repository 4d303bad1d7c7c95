"""torch's errors for too little memory."""

from __future__ import annotations

import pytest
import torch

from framewatch_server.vision.towers.encoder import DeviceOutOfMemory
from framewatch_server.vision.towers.torch_memory import memory_errors


def allocate_too_much() -> None:
    torch.empty(2**60, dtype=torch.uint8)


def raise_error(error: Exception) -> None:
    raise error


@pytest.mark.parametrize(
    "work",
    [
        pytest.param(allocate_too_much, id="the CPU's"),
        pytest.param(lambda: raise_error(torch.OutOfMemoryError("CUDA out of memory")), id="CUDA's"),
        pytest.param(lambda: raise_error(MemoryError()), id="Python's"),
    ],
)
def test_too_little_memory_has_one_error(work) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(DeviceOutOfMemory), memory_errors():
        work()


def test_other_errors_stay_what_they_are() -> None:
    with pytest.raises(RuntimeError, match="cannot be multiplied"), memory_errors():
        torch.ones(2) @ torch.ones(3, 4)
    with pytest.raises(ValueError, match="v"), memory_errors():
        raise_error(ValueError("v"))
