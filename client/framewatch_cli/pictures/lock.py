"""A lock for a run: of two runs that write the same file, the last to end would undo the work of the other."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout


class RunBusy(OSError):
    """Another run is writing to the same place; the message states what to do."""


@contextmanager
def only_run(lock_path: Path, busy: str) -> Iterator[None]:
    """Keeps other runs out while the block runs. The system releases the lock of a killed run.

    Args:
        lock_path: an empty file that stays there: if it were removed, two runs could hold a lock of the same name.
        busy: the message if another run holds the lock.

    Raises:
        RunBusy: another run holds the lock.
        OSError: the file can't be created, or a link lies in its place.

    """
    if lock_path.is_symlink():
        raise OSError(
            errno.ELOOP, "it is a link: expected the lock file of earlier runs, or none; remove it", str(lock_path)
        )
    try:
        held = FileLock(lock_path).acquire(timeout=0)
    except Timeout:
        raise RunBusy(busy) from None
    with held:
        yield
