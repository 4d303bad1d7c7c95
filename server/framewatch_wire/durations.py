"""Durations and timestamps: nanoseconds in core, seconds and nanoseconds on the wire."""

from __future__ import annotations

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from framewatch_core.errors import InvalidRequest
from framewatch_core.time import NS_PER_S

_MAX_DURATION_S = 315_576_000_000  # of google.protobuf.Duration


def duration_to_proto(time_ns: int) -> Duration:
    """Returns nanoseconds as a Duration."""
    seconds, nanos = divmod(time_ns, NS_PER_S)
    if seconds < 0 and nanos:  # both parts have the same sign
        seconds, nanos = seconds + 1, nanos - NS_PER_S
    return Duration(seconds=seconds, nanos=nanos)


def duration_from_proto(message: Duration) -> int:
    """Returns a Duration of a response in nanoseconds, as it is."""
    return message.seconds * NS_PER_S + message.nanos


def checked_duration_from_proto(message: Duration) -> int:
    """Returns a Duration of a request in nanoseconds. Raises InvalidRequest, without a path: its parts don't fit."""
    signs_differ = message.seconds * message.nanos < 0
    if abs(message.nanos) >= NS_PER_S or abs(message.seconds) > _MAX_DURATION_S or signs_differ:
        raise InvalidRequest(f"the duration of {message.seconds} s and {message.nanos} ns is out of range")
    return duration_from_proto(message)


def timestamp_to_proto(time_ns: int) -> Timestamp:
    """Returns nanoseconds since the Unix epoch as a Timestamp."""
    seconds, nanos = divmod(time_ns, NS_PER_S)
    return Timestamp(seconds=seconds, nanos=nanos)


def timestamp_from_proto(message: Timestamp) -> int:
    """Returns a Timestamp in nanoseconds since the Unix epoch."""
    return message.seconds * NS_PER_S + message.nanos
