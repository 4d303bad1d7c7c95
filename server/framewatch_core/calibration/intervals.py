"""Intervals of frame time, and how people write them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from framewatch_core.errors import InvalidRequest
from framewatch_core.quoting import quoted
from framewatch_core.time import NS_PER_S

_SPAN = re.compile(r"\s*(?P<start>[^\s-]+)\s*-\s*(?P<end>[^\s-]+)\s*")
_TIME = re.compile(r"(?:(?:(?P<hours>\d+):)?(?P<minutes>\d+):)?(?P<seconds>\d+(?:\.\d*)?|\.\d+)s?")
_END = "end"


@dataclass(frozen=True, slots=True, order=True)
class Interval:
    """Times from `start_ns` on and before `end_ns`, in nanoseconds since the stream's origin.

    Raises:
        InvalidRequest: if it is empty or begins before 0.

    """

    start_ns: int
    end_ns: int

    def __post_init__(self) -> None:
        if not 0 <= self.start_ns < self.end_ns:
            raise InvalidRequest(
                f"the interval from {self.start_ns / NS_PER_S:g} s to {self.end_ns / NS_PER_S:g} s is invalid: "
                "expected a start of at least 0 and a later end"
            )

    @property
    def length_ns(self) -> int:
        """Nanoseconds from start to end."""
        return self.end_ns - self.start_ns

    def __contains__(self, time_ns: int) -> bool:
        return self.start_ns <= time_ns < self.end_ns

    def overlap_ns(self, other: Interval) -> int:
        """Returns the nanoseconds that both have in common."""
        return max(0, min(self.end_ns, other.end_ns) - max(self.start_ns, other.start_ns))


def check_apart(intervals: tuple[Interval, ...], what: str) -> None:
    """Raises InvalidRequest unless every interval begins after the end of the one before."""
    for earlier, later in pairwise(intervals):
        if later.start_ns < earlier.end_ns:
            raise InvalidRequest(
                f"{what}: the interval that begins at {later.start_ns / NS_PER_S:g} s does so before the one from "
                f"{earlier.start_ns / NS_PER_S:g} s ends: give them in order, without overlap"
            )


def parse_intervals(text: str, end_ns: int | None = None) -> tuple[Interval, ...]:
    """Reads `START-END`, several with commas between; sorted.

    Args:
        text: times are seconds, `MM:SS` or `H:MM:SS`, with decimals; an END may be `end`.
        end_ns: where the recording ends; None: unknown, and `end` can't be used.

    Raises:
        InvalidRequest: if it can't be read, or intervals overlap.

    Example:
        >>> parse_intervals("6.1s-20.2s, 1:30-1:41.5")[1].end_ns
        101500000000

    """
    intervals = []
    for part in text.split(","):
        found = _SPAN.fullmatch(part)
        start_ns = found and parse_time(found["start"])
        if found is None or start_ns is None:
            raise _unreadable(part)
        to_ns = end_ns if found["end"] == _END else parse_time(found["end"])
        if to_ns is None:
            raise _unreadable(part, "the recording's end is not known" if found["end"] == _END else "")
        intervals.append(Interval(start_ns, to_ns))
    parsed = tuple(sorted(intervals))
    check_apart(parsed, text)
    return parsed


def parse_time(text: str) -> int | None:
    """Returns a time such as `9.2s`, `9.2`, `1:30` or `1:02:03.5` in nanoseconds; None: it is no time."""
    found = _TIME.fullmatch(text)
    if found is None:
        return None
    minutes = int(found["hours"] or 0) * 60 + int(found["minutes"] or 0)
    return minutes * 60 * NS_PER_S + round(float(found["seconds"]) * NS_PER_S)


def _unreadable(part: str, why: str = "") -> InvalidRequest:
    return InvalidRequest(
        f"the interval {quoted(part.strip())} can't be read{f': {why}' if why else ''}: expected START-END in seconds "
        "or MM:SS, such as 6.1s-20.2s or 1:05-1:40, several with commas between"
    )


def complement(intervals: Sequence[Interval], end_ns: int) -> tuple[Interval, ...]:
    """Returns the intervals before `end_ns` that lie between, before and after others, which are in order and apart."""
    edges = [0, *(edge for span in intervals for edge in (span.start_ns, span.end_ns)), end_ns]
    pairs = zip(edges[::2], edges[1::2], strict=True)
    return tuple(Interval(start, min(end, end_ns)) for start, end in pairs if start < min(end, end_ns))
