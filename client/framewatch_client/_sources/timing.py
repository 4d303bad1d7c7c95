"""Choice of the frames of a source that are sent, and their times."""

from __future__ import annotations

import math

FALLBACK_FPS = 25.0
"""Frame rate of video files that do not state one."""

_TOLERANCE = 1e-6
"""Tolerance in frame periods: times of frames are sums of rounded fractions."""


class Thinner:
    """Picks at most `fps` frames a second, without drift: frames late for their turn don't delay the next turns."""

    def __init__(self, fps: float | None) -> None:
        """`fps`: more than 0; None: every frame."""
        self._fps = fps
        self._start_s: float | None = None
        self._next_turn = 0

    def takes(self, time_s: float) -> bool:
        """Returns True if the frame of that time is picked. Times must not go back from call to call."""
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
        """Returns about how many of `frame_count` frames are picked."""
        if self._fps is None or self._fps >= source_fps:
            return frame_count
        return max(1, math.ceil((frame_count - 1) / source_fps * self._fps + _TOLERANCE)) if frame_count else 0


class FrameClock:
    """Times of a video file's frames: index / fps, or the file's own times where its rate varies."""

    def __init__(self, fps: float) -> None:
        """`fps`: as the file states it; not finite or not more than 0: it states none."""
        self.fps = fps if math.isfinite(fps) and fps > 0 else FALLBACK_FPS
        self._first_s: float | None = None
        self._last_s = 0.0

    def time_s(self, index: int, position_s: float) -> float:
        """Returns the time of a frame since the first, in seconds; it never goes back.

        Args:
            index: number of the frame, from 0.
            position_s: the frame's time in the file; 0 throughout if the file has none.

        """
        if self._first_s is None:
            self._first_s = position_s
        nominal_s, file_s = index / self.fps, position_s - self._first_s
        varies = file_s > 0 and abs(file_s - nominal_s) > 0.5 / self.fps
        self._last_s = max(self._last_s, file_s if varies else nominal_s)
        return self._last_s
