"""Progress of downloads."""

from __future__ import annotations

from typing import Any, Protocol, Self

import structlog

_LARGE_BYTES = 10_000_000

_log = structlog.get_logger()


class Progress(Protocol):
    """Receiver of the progress of downloads."""

    def begin(self, file: str, size: int, done: int) -> None:
        """Takes the start of a file of `size` bytes, `done` of which are here already; again if the file restarts."""
        ...

    def advance(self, file: str, count: int) -> None:
        """Takes the arrival of `count` further bytes of a file."""
        ...


class NoProgress:
    """Ignores progress."""

    def begin(self, file: str, size: int, done: int) -> None:
        """See `Progress.begin`."""

    def advance(self, file: str, count: int) -> None:
        """See `Progress.advance`."""


class LoggedProgress:
    """Logs the start of a file, and each tenth of a large one."""

    def __init__(self) -> None:
        self._files: dict[str, tuple[int, int]] = {}

    def begin(self, file: str, size: int, done: int) -> None:
        """See `Progress.begin`."""
        self._files[file] = size, done
        _log.info("downloading", file=file, bytes=size, already_here=done)

    def advance(self, file: str, count: int) -> None:
        """See `Progress.advance`."""
        size, done = self._files[file]
        self._files[file] = size, done + count
        if size >= _LARGE_BYTES and 10 * done // size != (tenths := 10 * (done + count) // size):
            _log.info("downloading", file=file, percent=10 * tenths)


def bar_class(file: str, size: int, progress: Progress) -> type[Any]:
    """Returns a class for huggingface_hub in place of tqdm's bars, with as much of their interface as it calls."""

    class Bar:
        def __init__(self, *_: object, initial: int = 0, **__: object) -> None:
            progress.begin(file, size, initial)

        def __enter__(self) -> Self:
            return self

        def __exit__(self, *_: object) -> None:
            self.close()

        def update(self, count: float | None = 1) -> None:
            progress.advance(file, int(count or 0))

        def update_transfer(self, count: float | None = 1) -> None:
            """Ignores bytes on the wire, which `update` counts as well once they are written."""

        def set_postfix_str(self, *_: object, **__: object) -> None:
            """Ignores rates, which the receiver computes."""

        set_transfer_postfix_str = set_postfix_str
        set_description_str = set_postfix_str
        set_description = set_postfix_str
        refresh = set_postfix_str
        close = set_postfix_str

    return Bar
