"""The store of streams that can be taken over: running ones, and the states of those that have ended."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from cachetools import TTLCache

from framewatch_core.errors import InvalidRequest
from framewatch_core.quoting import quoted
from framewatch_core.stream.resume import StreamState

_TOKEN_BYTES = 24


class Running(Protocol):
    """A stream that has not ended, as far as the server knows."""

    def hand_over(self) -> StreamState:
        """Ends the stream at once, for another has its state from now on."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Ticket:
    """The server's claim on the state of a stream.

    Attributes:
        token: the stream's own, which can't be guessed.
        model: name of the stream's model.
        former: the token of the stream from which it took over, or empty. It is good until the stream's first frame:
            the client may lose the connection again before it has received the new one.

    """

    token: str
    model: str
    former: str = ""


class ResumableStreams:
    """Finds streams by their tokens; use from one thread.

    A running stream can be taken over at any time, for the server may not have noticed yet that its client is gone. The
    state of an ended stream is kept for a while; if there are too many, those that ended first go first.
    """

    def __init__(self, lifetime_s: float, maximum: int, timer: Callable[[], float] = time.monotonic) -> None:
        """Keeps at most `maximum` states, each for `lifetime_s` seconds on the timer."""
        self.lifetime_s = lifetime_s
        self._running: dict[str, tuple[Ticket, Running]] = {}  # by token
        self._ended: TTLCache[str, tuple[Ticket, StreamState]] = TTLCache(maximum, lifetime_s, timer)  # by token

    def add(self, stream: Running, model: str, former: str = "") -> Ticket:
        """Adds a running stream with a token of its own; `former`: see `Ticket`."""
        ticket = Ticket(secrets.token_urlsafe(_TOKEN_BYTES), model, former)
        for token in filter(None, (ticket.token, ticket.former)):
            self._running[token] = ticket, stream
        return ticket

    def confirm(self, ticket: Ticket) -> Ticket:
        """Takes note that the client has the stream's own token; returns the ticket without the former one."""
        self._running.pop(ticket.former, None)
        return Ticket(ticket.token, ticket.model)

    def remove(self, ticket: Ticket) -> None:
        """Removes a running stream; no other stream can go on from it."""
        for token in (ticket.token, ticket.former):
            self._running.pop(token, None)

    def end(self, ticket: Ticket, state: StreamState) -> None:
        """Keeps the state of a stream that has ended."""
        self.remove(ticket)
        for token in filter(None, (ticket.former, ticket.token)):
            self._ended[token] = ticket, state

    def take(self, token: str, model: str) -> StreamState | None:
        """Takes the state of a stream, which ends if it still runs; None: there is none, or not any more.

        Raises:
            InvalidRequest: the stream's model is another one than `model`; the state stays.

        """
        if (running := self._running.get(token)) is not None:
            ticket, stream = running
            _check_model(ticket, model)
            return stream.hand_over()
        if (kept := self._ended.get(token)) is None:
            return None
        ticket, state = kept
        _check_model(ticket, model)
        for each in (ticket.token, ticket.former):
            self._ended.pop(each, None)
        return state


def _check_model(ticket: Ticket, model: str) -> None:
    if ticket.model != model:
        raise InvalidRequest(
            f"the stream to resume was scored by the model {quoted(ticket.model)}, not {quoted(model)}: name that one, "
            "or leave resume out",
            "config.model",
        )
