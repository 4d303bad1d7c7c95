"""How far downloads are."""

from __future__ import annotations

from typing import Any, Protocol, Self


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
