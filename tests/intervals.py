"""Intervals of frame time in seconds, as tests write them."""

from __future__ import annotations

from framewatch_core.calibration.intervals import Interval
from framewatch_core.time import nanoseconds


def interval(start_s: float, end_s: float) -> Interval:
    return Interval(nanoseconds(start_s), nanoseconds(end_s))
