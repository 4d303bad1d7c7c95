"""Attempts to reach a server again after its connection was lost: their waits, and the errors that end them."""

from __future__ import annotations

import random
from dataclasses import dataclass

import grpc

from framewatch_client.errors import FramewatchCallError

_TEMPORARY_CODES = {grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.RESOURCE_EXHAUSTED}


@dataclass(frozen=True, slots=True)
class Backoff:
    """Waits that double, each at random between 0 and its length ("full jitter": clients of one server spread out).

    https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/

    Attributes:
        first_s: the longest first wait, in seconds.
        longest_s: the longest of all waits, in seconds.

    """

    first_s: float = 0.2
    longest_s: float = 5.0

    def wait_s(self, attempt: int) -> float:
        """Returns the wait before an attempt, in seconds. `attempt`: from 0."""
        return random.uniform(0, min(self.longest_s, self.first_s * 2 ** min(attempt, 32)))  # noqa: S311 no secret


class Attempts:
    """Attempts to reconnect since a frame had its result.

    Nothing else ends them: a server that accepts each stream, and even has warnings about its config, but ends it
    before any result is not back. Time with a connection does not count, so that a stream whose source is quiet for
    hours may lose it now and then.

    Attributes:
        lost_s: how long there was no connection, in seconds, in losses that have ended.

    """

    def __init__(self, backoff: Backoff) -> None:
        self.lost_s = 0.0
        self._backoff = backoff
        self._count = 0

    def next_wait_s(self) -> float:
        """Returns the wait before the next attempt, in seconds."""
        self._count += 1
        return self._backoff.wait_s(self._count - 1)

    def succeed(self) -> None:
        """Ends the attempts: a frame has its result."""
        self.lost_s, self._count = 0.0, 0


def is_temporary(error: FramewatchCallError) -> bool:
    """Returns True if another attempt to reconnect may succeed soon.

    The server may be starting, or slow, or still count the call that was lost towards its limit.
    """
    return error.transient or error.code in _TEMPORARY_CODES
