"""Durations and timestamps: nanoseconds in core, seconds and nanoseconds on the wire."""

from __future__ import annotations

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from framewatch_core.errors import InvalidRequest
from framewatch_core.time import NS_PER_S

MAX_DURATION_S = 315_576_000_000
"""The longest google.protobuf.Duration, in whole seconds: 10,000 years."""
MAX_DURATION_NS = (MAX_DURATION_S + 1) * NS_PER_S - 1

_TIMESTAMPS_S = range(-62_135_596_800, 253_402_300_800)  # of google.protobuf.Timestamp: the years 1 to 9999


def duration_to_proto(time_ns: int) -> Duration:
    """Returns nanoseconds as a Duration."""
    seconds, nanos = divmod(time_ns, NS_PER_S)
    if seconds < 0 and nanos:  # both parts have the same sign
        seconds, nanos = seconds + 1, nanos - NS_PER_S
    return Duration(seconds=seconds, nanos=nanos)


def duration_from_proto(message: Duration) -> int:
    """Returns a Duration of a response in nanoseconds; of one that is out of range, the nearest that is in it."""
    time_ns = message.seconds * NS_PER_S + message.nanos
    if -MAX_DURATION_NS <= time_ns <= MAX_DURATION_NS:
        return time_ns
    return MAX_DURATION_NS if time_ns > 0 else -MAX_DURATION_NS


def checked_duration_from_proto(message: Duration) -> int:
    """Returns a Duration of a request in nanoseconds. Raises InvalidRequest, without a path: its parts don't fit."""
    signs_differ = message.seconds * message.nanos < 0
    if abs(message.nanos) >= NS_PER_S or abs(message.seconds) > MAX_DURATION_S or signs_differ:
        raise InvalidRequest(f"the duration of {message.seconds} s and {message.nanos} ns is out of range")
    return duration_from_proto(message)


def has_timestamp(time_ns: int) -> bool:
    """Returns True if a Timestamp can have that time: it lies in the years 1 to 9999."""
    return time_ns // NS_PER_S in _TIMESTAMPS_S


def timestamp_to_proto(time_ns: int) -> Timestamp:
    """Returns nanoseconds since the Unix epoch as a Timestamp."""
    seconds, nanos = divmod(time_ns, NS_PER_S)
    return Timestamp(seconds=seconds, nanos=nanos)


def timestamp_from_proto(message: Timestamp) -> int:
    """Returns a Timestamp in nanoseconds since the Unix epoch."""
    return message.seconds * NS_PER_S + message.nanos


def checked_timestamp_from_proto(message: Timestamp) -> int:
    """Returns a Timestamp of a request in nanoseconds. Raises InvalidRequest, without a path: it is out of range."""
    if not 0 <= message.nanos < NS_PER_S or message.seconds not in _TIMESTAMPS_S:
        raise InvalidRequest(
            f"the timestamp of {message.seconds} s and {message.nanos} ns is out of range: expected a time in the "
            "years 1 to 9999, with 0 to 999,999,999 nanoseconds"
        )
    return timestamp_from_proto(message)
