"""How far downloads are."""

from __future__ import annotations

from typing import Any, Protocol, Self

import structlog

_LARGE_BYTES = 10_000_000

_log = structlog.get_logger()


class Progress(Protocol):
    """Who is told how far downloads are."""

    def begin(self, file: str, size: int, done: int) -> None:
        """A file of `size` bytes, `done` of them here already; again for the same file if it begins anew."""
        ...

    def advance(self, file: str, count: int) -> None:
        """`count` further bytes of a file have come."""
        ...


class NoProgress:
    """Tells nobody."""

    def begin(self, file: str, size: int, done: int) -> None:
        """See `Progress.begin`."""

    def advance(self, file: str, count: int) -> None:
        """See `Progress.advance`."""


class LoggedProgress:
    """Tells the log when a file begins, and at each tenth of a large one."""

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
    """What huggingface_hub takes for a class of tqdm's bars: as much of one as it calls."""

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
            """Bytes on the wire, which `update` counts as well once they are written."""

        def set_postfix_str(self, *_: object, **__: object) -> None:
            """Rates are worked out elsewhere."""

        set_transfer_postfix_str = set_postfix_str
        set_description_str = set_postfix_str
        set_description = set_postfix_str
        refresh = set_postfix_str
        close = set_postfix_str

    return Bar
