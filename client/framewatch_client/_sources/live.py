"""Cameras and network streams as a source."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import count

from framewatch_client._sources.source import Source
from framewatch_client._sources.timing import Thinner
from framewatch_client._sources.video import Capture
from framewatch_client.errors import SourceError
from framewatch_client.types import Frame

CLOSE_GRACE_S = 2.0
"""The longest wait for a read that hangs in a driver, when a source is closed."""


class LiveSource(Source):
    """A camera or a network stream: yields the newest frame. Frame numbers count all that arrived, so gaps show.

    Frame times are times of arrival since the source was opened.
    """

    def __init__(
        self, capture: Capture, name: str, fps: float | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """`fps`: frames a second at most; None: all. `clock`: seconds."""
        self.name = name
        self.origin_time = datetime.now(UTC)
        self._capture = capture
        self._thinner = Thinner(fps)
        self._clock = clock
        self._start_s = clock()
        self._changed = threading.Condition()
        self._newest: Frame | None = None
        self._ended = False
        self._closing = False
        self._thread = threading.Thread(target=self._read, name="framewatch-capture", daemon=True)

    def __iter__(self) -> Iterator[Frame]:
        """Yields frames until the source is closed. Raises SourceError when no more arrive."""
        self._thread.start()
        while (frame := self._wait()) is not None:
            yield frame
        if not self._closing:
            raise SourceError(f"{self.name} gives no more frames: see whether it still runs, then start again")

    def _wait(self) -> Frame | None:
        with self._changed:
            self._changed.wait_for(lambda: self._newest or self._ended or self._closing)
            frame, self._newest = self._newest, None
            return None if self._closing else frame

    def _read(self) -> None:
        for index in count():
            if self._closing or not self._capture.grab():
                break
            time_s = self._clock() - self._start_s
            if self._thinner.takes(time_s):
                self._keep_newest(index, time_s)
        self._capture.release()
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def _keep_newest(self, index: int, time_s: float) -> None:
        done, image = self._capture.retrieve()
        if done:
            with self._changed:
                self._newest = Frame(image, time_s, index)
                self._changed.notify_all()

    def close(self) -> None:
        """Ends the reading thread. One that hangs in a driver is left behind and releases the capture when it can."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        if self._thread.is_alive():
            self._thread.join(CLOSE_GRACE_S)
        elif not self._ended:
            self._capture.release()
