"""The C library's allocator, which keeps what threads free for these threads' next pictures."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable
from typing import Any

_FIELDS = ("arena", "ordblks", "smblks", "hblks", "hblkhd", "usmblks", "fsmblks", "uordblks", "fordblks", "keepcost")


class _Mallinfo2(ctypes.Structure):
    """glibc's `struct mallinfo2`."""

    _fields_ = [(name, ctypes.c_size_t) for name in _FIELDS]


def _find(name: str, result: type[Any]) -> Callable[..., Any] | None:
    """Returns a function of glibc; None: another C library, or one that has it not yet."""
    function = getattr(ctypes.CDLL(None), name, None) if sys.platform == "linux" else None
    if function is not None:
        function.restype = result
    return function


_malloc_trim = _find("malloc_trim", ctypes.c_int)
_mallinfo2 = _find("mallinfo2", _Mallinfo2)


def give_back_memory() -> None:
    """Gives memory that is free back to the system: a few milliseconds for some hundred MB, without the interpreter."""
    if _malloc_trim is not None:
        _malloc_trim(0)


def allocated_bytes() -> int | None:
    """Returns the bytes of all blocks that are in use; None: the C library can't tell."""
    if _mallinfo2 is None:
        return None
    info = _mallinfo2()
    return int(info.uordblks + info.hblkhd)
