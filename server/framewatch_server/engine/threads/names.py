"""Names of threads that the operating system shows too, so that `top -H` and the benchmarks can distinguish them."""

from __future__ import annotations

import sys
import threading
from pathlib import Path

import structlog

_log = structlog.get_logger()


def publish_thread_name() -> None:
    """Gives the calling thread's name to Linux, as Python does by itself from 3.14 on; elsewhere does nothing."""
    if sys.platform == "linux":
        name = threading.current_thread().name
        try:
            Path(f"/proc/self/task/{threading.get_native_id()}/comm").write_text(name)
        except OSError:  # a sandbox may forbid it; the name is for people, and the thread works without it
            _log.debug("the thread's name can't be given to the system", thread=name, exc_info=True)
