"""Names of threads that the operating system shows too, so that `top -H` and the benchmarks can distinguish them."""

from __future__ import annotations

import sys
import threading
from pathlib import Path


def publish_thread_name() -> None:
    """Gives the calling thread's name to Linux, as Python does by itself from 3.14 on; elsewhere does nothing."""
    if sys.platform == "linux":
        Path(f"/proc/self/task/{threading.get_native_id()}/comm").write_text(threading.current_thread().name)
