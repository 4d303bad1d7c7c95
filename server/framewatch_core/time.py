"""Frame time: integer nanoseconds since an origin that the client chose, so that sums are exact."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

NS_PER_S = 1_000_000_000
MAX_TIME_NS = 10_000 * 366 * 24 * 3600 * NS_PER_S
"""No frame time is later: 10,000 years."""

_LEAP_STEPS = 3
"""Steps of a clock that one which is no leap may be as long as."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Moment:
    """A frame's number and its time in nanoseconds since the stream's origin."""

    frame_id: int
    time_ns: int

    @property
    def time_s(self) -> float:
        """The time in seconds."""
        return self.time_ns / NS_PER_S


@dataclass(slots=True)
class FrameClock:
    """Times of frames in a row, and the lone outliers among them: clocks of cameras leap.

    A time is an outlier if the step to it is longer than a gap, and than three steps as the one before, which was no
    gap; as long as no later time is at or after it: then the clock has moved, and all goes on from there. Steps that
    differ little, or a frame that is missing, make no outliers where frames come about a gap apart.

    Attributes:
        last_ns: the time that later ones must not be before: the last one that is no outlier; None: there was none.
        step_ns: the last step between two such times; None: there was none.
        outlier_ns: the time after `last_ns`, which was an outlier; None: it was none.

    """

    last_ns: int | None = None
    step_ns: int | None = None
    outlier_ns: int | None = None

    def is_outlier(self, time_ns: int, max_gap_ns: int) -> bool:
        """Returns True if the next time is an outlier as far as one can know. `max_gap_ns`: a longer step is a gap."""
        if self.last_ns is None or self.step_ns is None or self.step_ns > max_gap_ns:
            return False
        if self.outlier_ns is not None and time_ns >= self.outlier_ns:
            return False
        return time_ns - self.last_ns > max(max_gap_ns, _LEAP_STEPS * self.step_ns)

    def move_to(self, time_ns: int) -> None:
        """Takes a time that is no outlier; not before `last_ns`."""
        has_moved = self.outlier_ns is not None and time_ns >= self.outlier_ns
        before_ns = self.outlier_ns if has_moved else self.last_ns
        self.step_ns = None if before_ns is None else time_ns - before_ns
        self.last_ns, self.outlier_ns = time_ns, None


def nanoseconds(seconds: float) -> int:
    """Returns seconds as whole nanoseconds. Raises ValueError if they are not finite."""
    if not math.isfinite(seconds):
        raise ValueError(f"a time of {seconds} s: expected a finite number of seconds")
    return round(seconds * NS_PER_S)


def utc_datetime(time_ns: int) -> datetime:
    """Wall time in UTC of nanoseconds since the Unix epoch, rounded down to microseconds.

    Raises OverflowError outside the years 1 to 9999.
    """
    return _EPOCH + timedelta(microseconds=time_ns // 1000)
