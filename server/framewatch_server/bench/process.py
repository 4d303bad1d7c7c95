"""What a process spends, read from outside."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import psutil


@dataclass(frozen=True, slots=True)
class Use:
    """CPU seconds (all threads, user and system) that a process has spent so far, and its resident memory."""

    cpu_s: float
    memory_bytes: int

    @classmethod
    def of(cls, pid: int) -> Self:
        """Reads a process's use. Raises psutil.NoSuchProcess if it is gone."""
        process = psutil.Process(pid)
        times = process.cpu_times()
        return cls(times.user + times.system, process.memory_info().rss)
