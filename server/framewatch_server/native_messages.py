"""Filter of messages that libraries in C print on standard error: libjpeg's line for each damaged picture.

OpenCV leaves libjpeg's messages as they are, and a bad line to a camera damages every frame: the log of such a server
would fill with them, while the frames are decoded or refused all the same.
"""

from __future__ import annotations

import ctypes
import os
import sys
import threading
from collections.abc import Iterable
from typing import BinaryIO

_ABOUT_PICTURES = (
    b"Corrupt JPEG data",
    b"Inconsistent progression sequence",
    b"Invalid SOS parameters",
    b"Premature end of JPEG file",
    b"Unknown Adobe color transform",
    b"Warning: unknown JFIF revision",
)
_UNBUFFERED = 2  # stdio's _IONBF


def filter_native_messages() -> None:
    """Begins to drop libjpeg's messages; all others arrive on standard error as before.

    It changes the stream `stderr` of the C library alone. Python's standard error and whatever writes to the
    descriptor, as crashes do, are left as they are. Where there is no such stream, nothing is changed.
    """
    if sys.platform != "linux":
        return
    reading, writing = os.pipe()
    if not _redirect_stderr(writing):
        os.close(reading)
        os.close(writing)
        return
    ours = os.fdopen(os.dup(2), "wb", buffering=0)
    threading.Thread(target=forward, args=(os.fdopen(reading, "rb"), ours), name="native-messages", daemon=True).start()


def forward(messages: Iterable[bytes], target: BinaryIO) -> None:
    """Writes all lines but those about pictures."""
    for line in messages:
        if not line.startswith(_ABOUT_PICTURES):
            target.write(line)


def _redirect_stderr(descriptor: int) -> bool:
    """Makes the descriptor that of C's `stderr`; returns False if there is no such stream."""
    library = ctypes.CDLL(None)
    try:
        stderr = ctypes.c_void_p.in_dll(library, "stderr")
    except ValueError:
        return False
    os.set_blocking(descriptor, False)  # a message that finds no room is lost; a decoder that waits would be worse
    library.fdopen.restype = ctypes.c_void_p
    library.setvbuf.argtypes = (ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int, ctypes.c_size_t)
    stream = library.fdopen(descriptor, b"w")
    if stream is None:
        return False
    library.setvbuf(stream, None, _UNBUFFERED, 0)
    stderr.value = stream
    return True
