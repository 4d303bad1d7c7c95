"""Which frames of a source are sent, and when in the source's own time they lie."""

from __future__ import annotations

import math

FALLBACK_FPS = 25.0
"""For video files that don't say how fast they run."""

_TOLERANCE = 1e-6
"""Of a frame period: times of frames are sums of rounded fractions."""


class Thinner:
    """Picks at most `fps` frames a second, without drift: frames late for their turn don't delay the next turns."""

    def __init__(self, fps: float | None) -> None:
        """`fps`: more than 0; None: every frame."""
        self._fps = fps
        self._start_s: float | None = None
        self._next_turn = 0

    def takes(self, time_s: float) -> bool:
        """Whether the frame of that time, later than those before, is picked."""
        if self._fps is None:
            return True
        if self._start_s is None:
            self._start_s = time_s
        turn = math.floor((time_s - self._start_s) * self._fps + _TOLERANCE)
        if turn < self._next_turn:
            return False
        self._next_turn = turn + 1
        return True

    def picked_count(self, frame_count: int, source_fps: float) -> int:
        """About how many of `frame_count` frames are picked."""
        if self._fps is None or self._fps >= source_fps:
            return frame_count
        return max(1, math.ceil((frame_count - 1) / source_fps * self._fps + _TOLERANCE)) if frame_count else 0


class FrameClock:
    """Times of a video file's frames: index / fps, or the file's own times where its rate varies."""

    def __init__(self, fps: float) -> None:
        """`fps`: as the file says; not finite or not greater than 0: it doesn't."""
        self.fps = fps if math.isfinite(fps) and fps > 0 else FALLBACK_FPS
        self._first_s: float | None = None
        self._last_s = 0.0

    def time_s(self, index: int, position_s: float) -> float:
        """The time of a frame since the first, in seconds; never goes back.

        Args:
            index: of the frame, from 0.
            position_s: what the file says; 0 throughout if it doesn't.

        """
        if self._first_s is None:
            self._first_s = position_s
        nominal_s, told_s = index / self.fps, position_s - self._first_s
        varies = told_s > 0 and abs(told_s - nominal_s) > 0.5 / self.fps
        self._last_s = max(self._last_s, told_s if varies else nominal_s)
        return self._last_s
