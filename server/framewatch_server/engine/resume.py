"""Streams that others can take over, and what is left of those that have ended."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from cachetools import TTLCache

from framewatch_core.errors import InvalidRequest
from framewatch_core.stream.resume import StreamState

_TOKEN_BYTES = 24


class Running(Protocol):
    """A stream that has not ended, as far as the server knows."""

    @property
    def state(self) -> StreamState:
        """What another one would take over."""

    def hand_over(self) -> StreamState:
        """Ends the stream at once, for another has its state from now on."""


@dataclass(frozen=True, slots=True, eq=False)
class Ticket:
    """A running stream's place among those that can be taken over.

    Attributes:
        token: the stream's own; nobody can guess it.
        former: that of the stream from which it took over, or empty. It is good until the stream's first frame: the
            client may lose the connection again before it has heard of the new one.

    """

    token: str
    former: str = ""


class ResumableStreams:
    """Finds streams by their tokens; use from one thread.

    A stream that runs can be taken over at any time, for the server may not have noticed yet that its client is gone.
    The state of one that has ended is kept for a while; if there are too many, those that ended first go first.
    """

    def __init__(self, lifetime_s: float, maximum: int, timer: Callable[[], float] = time.monotonic) -> None:
        """Keeps at most `maximum` states, each for `lifetime_s` seconds on the timer."""
        self.lifetime_s = lifetime_s
        self._running: dict[str, Running] = {}
        self._ended: TTLCache[str, tuple[Ticket, StreamState]] = TTLCache(maximum, lifetime_s, timer)

    def add(self, stream: Running, former: str = "") -> Ticket:
        """Gives a stream its token; `former`: see `Ticket`."""
        ticket = Ticket(secrets.token_urlsafe(_TOKEN_BYTES), former)
        for token in filter(None, (ticket.token, ticket.former)):
            self._running[token] = stream
        return ticket

    def confirm(self, ticket: Ticket) -> Ticket:
        """The client knows the stream's own token: the former one is good no more. Returns the ticket without it."""
        self._running.pop(ticket.former, None)
        return Ticket(ticket.token)

    def remove(self, ticket: Ticket) -> None:
        """A stream has handed its state over."""
        for token in (ticket.token, ticket.former):
            self._running.pop(token, None)

    def end(self, ticket: Ticket, state: StreamState) -> None:
        """A stream has ended; its state waits for another."""
        self.remove(ticket)
        for token in filter(None, (ticket.former, ticket.token)):
            self._ended[token] = ticket, state

    def take(self, token: str, model: str) -> StreamState | None:
        """Takes the state of a stream, which ends if it still runs; None: there is none, or not any more.

        Raises:
            InvalidRequest: the stream's model is another one than `model`; the state stays.

        """
        if (running := self._running.get(token)) is not None:
            _check_model(running.state, model)
            return running.hand_over()
        if (kept := self._ended.get(token)) is None:
            return None
        ticket, state = kept
        _check_model(state, model)
        for each in (ticket.token, ticket.former):
            self._ended.pop(each, None)
        return state


def _check_model(state: StreamState, model: str) -> None:
    if state.model != model:
        raise InvalidRequest(
            f"the stream to resume was scored by the model {state.model!r}, not {model!r}: name that one, or leave "
            "resume out",
            "config.model",
        )
