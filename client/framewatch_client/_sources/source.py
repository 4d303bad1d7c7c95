"""The interface of all sources of frames."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from datetime import datetime
from types import TracebackType
from typing import Self

from framewatch_client.types import Frame
from framewatch_core.stream.config import OverflowPolicy


class Source(ABC):
    """Frames with times and numbers, to be iterated once; a context manager that closes it.

    Attributes:
        name: for messages; a URL without its password.
        frame_count: about how many frames it yields; None: unknown or endless.
        duration_s: about how long it is, in seconds; None: unknown or endless.
        origin_time: of a live source: the wall time of frame time 0; None otherwise.

    """

    name: str
    frame_count: int | None = None
    duration_s: float | None = None
    origin_time: datetime | None = None

    @property
    def is_live(self) -> bool:
        """True if frames arrive at their own pace, so that late ones are worthless."""
        return self.origin_time is not None

    @property
    def overflow(self) -> OverflowPolicy:
        """The overflow policy that suits the source: BLOCK for files, DROP_OLDEST for live sources."""
        return OverflowPolicy.DROP_OLDEST if self.is_live else OverflowPolicy.BLOCK

    @abstractmethod
    def __iter__(self) -> Iterator[Frame]:
        """Yields the frames, in order."""

    def close(self) -> None:  # noqa: B027  images have nothing to release
        """Releases the source, from any thread. A running iteration ends."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()
