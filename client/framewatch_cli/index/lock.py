"""One run at a time at an index."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from framewatch_cli.index.format import real_file
from framewatch_cli.pictures.run_lock import only_run


class IndexBusy(OSError):
    """Another run is at the index; the message says what to do."""


@contextmanager
def lock_index(path: Path) -> Iterator[None]:
    """Keeps other runs from an index, by a lock on a hidden file beside it, which stays there.

    The lock goes with the process, however that ends.

    Raises:
        IndexBusy: another run is at it.
        OSError: the file can't be written.

    """
    real = real_file(path)
    busy = IndexBusy(
        f"{path} is being written by another run of framewatch embed: start again when that has ended, or give another "
        "file"
    )
    with only_run(real.with_name(f".{real.name}.lock"), busy):
        yield
