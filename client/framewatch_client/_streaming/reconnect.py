"""When to try again after a connection was lost, and when to give up."""

from __future__ import annotations

import random
from dataclasses import dataclass

import grpc

from framewatch_client.errors import FramewatchCallError

_MAY_PASS = {grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.RESOURCE_EXHAUSTED}


@dataclass(frozen=True, slots=True)
class Backoff:
    """Waits that double, each at random between 0 and its length ("full jitter": clients of one server spread out).

    https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/

    Attributes:
        first_s: the first wait is at most so long.
        longest_s: none is longer.

    """

    first_s: float = 0.2
    longest_s: float = 5.0

    def wait_s(self, attempt: int) -> float:
        """How long to wait before an attempt, from 0."""
        return random.uniform(0, min(self.longest_s, self.first_s * 2 ** min(attempt, 32)))  # noqa: S311 no secret


def may_pass(error: FramewatchCallError) -> bool:
    """Whether what kept a stream from coming back may be over soon.

    The server may be starting, or slow, or still count the call that was lost among those that it has room for.
    """
    return error.transient or error.code in _MAY_PASS
