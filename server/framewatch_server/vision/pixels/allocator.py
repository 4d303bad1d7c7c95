"""The C library's allocator, which keeps what threads free for these threads' next pictures."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable


def _find_trim() -> Callable[[int], int] | None:
    """Returns glibc's malloc_trim; None: another C library."""
    return getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None


_malloc_trim = _find_trim()


def give_back_memory() -> None:
    """Gives memory that is free back to the system: a few milliseconds for some hundred MB, without the interpreter."""
    if _malloc_trim is not None:
        _malloc_trim(0)
