"""CPU time and memory of a process, read from outside."""

from __future__ import annotations

from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import psutil


@dataclass(frozen=True, slots=True)
class Use:
    """CPU seconds (all threads, user and system) that a process has used so far, and its resident memory."""

    cpu_s: float
    memory_bytes: int

    @classmethod
    def of(cls, pid: int) -> Self:
        """Reads a process's use. Raises psutil.NoSuchProcess if it is gone."""
        process = psutil.Process(pid)
        times = process.cpu_times()
        return cls(times.user + times.system, process.memory_info().rss)


def thread_cpu_s(pid: int) -> dict[str, float]:
    """Returns the CPU seconds that a process's threads have used so far, summed by the threads' names in Linux."""
    spent: dict[str, float] = defaultdict(float)
    for thread in psutil.Process(pid).threads():
        with suppress(FileNotFoundError):  # the thread has ended meanwhile
            name = Path(f"/proc/{pid}/task/{thread.id}/comm").read_text().strip()
            spent[name] += thread.user_time + thread.system_time
    return dict(spent)


def reset_peak(pid: int) -> None:
    """Sets the peak of a process's resident memory to what it has now; Linux only."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")


def peak_bytes(pid: int) -> int:
    """Returns the peak of a process's resident memory since `reset_peak`; Linux only."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024
