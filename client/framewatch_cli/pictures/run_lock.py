"""One run at a time: of two that write the same, the one that ends last would undo what the other has done."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout


@contextmanager
def only_run(lock_path: Path, busy: Exception) -> Iterator[None]:
    """Keeps other runs away while the block lasts; the system lets go of it, too, when a run is killed.

    Args:
        lock_path: a file that stays there, empty: to remove it would let two runs hold a lock of the same name.
        busy: raised if another run is at it.

    Raises:
        OSError: the file can't be made.

    """
    try:
        held = FileLock(lock_path).acquire(timeout=0)
    except Timeout:
        raise busy from None
    with held:
        yield
