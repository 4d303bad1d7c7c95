"""Frame time: integer nanoseconds since an origin that the client chose, so that sums are exact."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

NS_PER_S = 1_000_000_000
MAX_TIME_NS = 10_000 * 366 * 24 * 3600 * NS_PER_S
"""No frame time is later: 10,000 years."""

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
