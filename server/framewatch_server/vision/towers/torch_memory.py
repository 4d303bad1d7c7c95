"""The error of a device without memory, in the form that the engine knows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from framewatch_server.vision.towers.encoder import DeviceOutOfMemory

_OF_THE_CPU = "DefaultCPUAllocator"  # torch has no type for it


@contextmanager
def memory_errors() -> Iterator[None]:
    """Turns torch's errors for too little memory into DeviceOutOfMemory, those of the CPU as well."""
    try:
        yield
    except (torch.OutOfMemoryError, MemoryError) as error:
        raise DeviceOutOfMemory(str(error)) from error
    except RuntimeError as error:
        if _OF_THE_CPU in str(error):
            raise DeviceOutOfMemory(str(error)) from error
        raise
