"""Stretches of time in which something is known."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from framewatch_core.errors import InvalidRequest
from framewatch_core.rules import NS_PER_S

_SECONDS = r"(\d+(?:\.\d*)?|\.\d+)s?"
_SPAN = re.compile(rf"\s*{_SECONDS}\s*-\s*{_SECONDS}\s*")


@dataclass(frozen=True, slots=True, order=True)
class Interval:
    """The times from `start_ns` on and before `end_ns`, in nanoseconds since the stream's origin.

    Raises:
        InvalidRequest: it is empty or begins before 0.

    """

    start_ns: int
    end_ns: int

    def __post_init__(self) -> None:
        if not 0 <= self.start_ns < self.end_ns:
            raise InvalidRequest(
                f"the interval from {self.start_ns / NS_PER_S:g} s to {self.end_ns / NS_PER_S:g} s is none: expected a "
                "start of at least 0 and a later end"
            )

    @classmethod
    def of_seconds(cls, start_s: float, end_s: float) -> Interval:
        """An interval with its ends in seconds. Raises InvalidRequest."""
        if not (math.isfinite(start_s) and math.isfinite(end_s)):
            raise InvalidRequest(f"the interval from {start_s} s to {end_s} s is none: expected finite numbers")
        return cls(round(start_s * NS_PER_S), round(end_s * NS_PER_S))

    @property
    def length_ns(self) -> int:
        """How long it is."""
        return self.end_ns - self.start_ns

    def __contains__(self, time_ns: int) -> bool:
        return self.start_ns <= time_ns < self.end_ns

    def overlap_ns(self, other: Interval) -> int:
        """How long both last at once."""
        return max(0, min(self.end_ns, other.end_ns) - max(self.start_ns, other.start_ns))


def check_apart(intervals: tuple[Interval, ...], what: str) -> None:
    """Raises InvalidRequest unless every interval begins after the end of the one before."""
    for earlier, later in pairwise(intervals):
        if later.start_ns < earlier.end_ns:
            raise InvalidRequest(
                f"{what}: the interval that begins at {later.start_ns / NS_PER_S:g} s does so before the one from "
                f"{earlier.start_ns / NS_PER_S:g} s ends: give them in order, without overlap"
            )


def parse_intervals(text: str) -> tuple[Interval, ...]:
    """Reads `START-END` in seconds, several with commas between; sorted. Raises InvalidRequest.

    Example:
        >>> parse_intervals("6.1s-20.2s, 30-41.5")[1].end_ns
        41500000000

    """
    intervals = []
    for part in text.split(","):
        found = _SPAN.fullmatch(part)
        if found is None:
            raise InvalidRequest(
                f"the interval {part.strip()!r} can't be read: expected START-END in seconds, such as 6.1s-20.2s, "
                "several with commas between"
            )
        intervals.append(Interval.of_seconds(float(found[1]), float(found[2])))
    parsed = tuple(sorted(intervals))
    check_apart(parsed, text)
    return parsed


def complement(intervals: Sequence[Interval], end_ns: int) -> tuple[Interval, ...]:
    """What lies before `end_ns` between, before and after intervals that are in order and apart."""
    edges = [0, *(edge for span in intervals for edge in (span.start_ns, span.end_ns)), end_ns]
    pairs = zip(edges[::2], edges[1::2], strict=True)
    return tuple(Interval(start, min(end, end_ns)) for start, end in pairs if start < min(end, end_ns))
