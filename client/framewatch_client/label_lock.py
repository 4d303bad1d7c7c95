"""One labelling run at a time for each output."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from framewatch_client.errors import SourceError


@contextmanager
def only_run(out: Path, lock_path: Path) -> Iterator[None]:
    """Keeps other runs away while the block lasts; the system lets go of it, too, when a run is killed.

    Args:
        out: where labels go, for messages.
        lock_path: a file that stays there, empty: to remove it would let two runs hold a lock of the same name.

    Raises:
        SourceError: another run is at it.
        OSError: the file can't be made.

    """
    try:
        held = FileLock(lock_path).acquire(timeout=0)
    except Timeout as error:
        raise SourceError(
            f"another framewatch label is writing to {out}: wait until it has ended, or give another --out"
        ) from error
    with held:
        yield
