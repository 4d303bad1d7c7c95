"""The store of streams that can be taken over: running ones, and the states of those that have ended."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from framewatch_core.errors import InvalidRequest
from framewatch_core.quoting import quoted
from framewatch_core.stream.resume import StreamState

_TOKEN_BYTES = 24


class Timer(Protocol):
    """A call that will be made."""

    def cancel(self) -> object:
        """Takes the call back."""
        ...


CallLater: TypeAlias = Callable[[float, Callable[[], None]], Timer]
"""Calls a function in so many seconds."""


def _in_event_loop(delay_s: float, function: Callable[[], None]) -> Timer:
    return asyncio.get_running_loop().call_later(delay_s, function)


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

    @property
    def tokens(self) -> tuple[str, ...]:
        """The tokens that the state can be taken with."""
        return (self.token, self.former) if self.former else (self.token,)


@dataclass(frozen=True, slots=True, eq=False)
class _Kept:
    """The state of a stream that has ended, with its size in bytes, and the timer that forgets it."""

    ticket: Ticket
    state: StreamState
    byte_count: int
    timer: Timer


class ResumableStreams:
    """Finds streams by their tokens; use from one thread.

    A running stream can be taken over at any time, for the server may not have noticed yet that its client is gone. The
    state of an ended stream is kept for a while, and forgotten by a timer. If the states are too many or too large,
    those of streams that were answered to their end go first, then those of streams that were lost; the oldest first.
    The former are kept at all since the client may have lost the last results.
    """

    def __init__(self, lifetime_s: float, maximum: int, max_bytes: int, call_later: CallLater = _in_event_loop) -> None:
        """Keeps at most `maximum` states of `max_bytes` together, each for `lifetime_s` seconds."""
        self.lifetime_s = lifetime_s
        self.max_bytes = max_bytes
        self.held_bytes = 0
        self._maximum = maximum
        self._call_later = call_later
        self._running: dict[str, tuple[Ticket, Running]] = {}  # by token
        self._answered: dict[str, _Kept] = {}  # streams answered to their end, by their own token, oldest first
        self._lost: dict[str, _Kept] = {}  # the others, likewise
        self._tokens: dict[str, str] = {}  # of all tokens of kept streams: the stream's own

    def add(self, stream: Running, model: str, former: str = "") -> Ticket:
        """Adds a running stream with a token of its own; `former`: see `Ticket`."""
        ticket = Ticket(secrets.token_urlsafe(_TOKEN_BYTES), model, former)
        for token in ticket.tokens:
            self._running[token] = ticket, stream
        return ticket

    def confirm(self, ticket: Ticket) -> Ticket:
        """Takes note that the client has the stream's own token; returns the ticket without the former one."""
        self._running.pop(ticket.former, None)
        return Ticket(ticket.token, ticket.model)

    def remove(self, ticket: Ticket) -> None:
        """Removes a running stream; no other stream can go on from it."""
        for token in ticket.tokens:
            self._running.pop(token, None)

    def end(self, ticket: Ticket, state: StreamState, *, is_lost: bool) -> None:
        """Keeps the state of a stream that has ended, if there is room for it.

        `is_lost`: False: it was answered to its end, as far as the server knows.
        """
        self.remove(ticket)
        byte_count = state.byte_count
        if self.lifetime_s <= 0 or not self._make_room(byte_count, is_lost=is_lost):
            return
        timer = self._call_later(self.lifetime_s, lambda: self._forget(ticket.token))
        kept = _Kept(ticket, state, byte_count, timer)
        (self._lost if is_lost else self._answered)[ticket.token] = kept
        self._tokens.update(dict.fromkeys(ticket.tokens, ticket.token))
        self.held_bytes += byte_count

    def take(self, token: str, model: str) -> StreamState | None:
        """Takes the state of a stream, which ends if it still runs; None: there is none, or not any more.

        Raises:
            InvalidRequest: the stream's model is another one than `model`; the state stays.

        """
        if (running := self._running.get(token)) is not None:
            ticket, stream = running
            _check_model(ticket, model)
            return stream.hand_over()
        if (own := self._tokens.get(token)) is None:
            return None
        kept = self._lost.get(own) or self._answered[own]
        _check_model(kept.ticket, model)
        self._forget(own)
        return kept.state

    def _make_room(self, byte_count: int, *, is_lost: bool) -> bool:
        """Forgets states until another one can be kept. Returns False if none may go for it, or it is too large."""
        if byte_count > self.max_bytes:
            return False
        while self._is_too_much(byte_count):
            oldest = next(iter(self._answered or (self._lost if is_lost else ())), None)
            if oldest is None:
                return False
            self._forget(oldest)
        return True

    def _is_too_much(self, byte_count: int) -> bool:
        count = len(self._answered) + len(self._lost)
        return count >= self._maximum or self.held_bytes + byte_count > self.max_bytes

    def _forget(self, own: str) -> None:
        kept = self._lost.pop(own, None) or self._answered.pop(own)
        kept.timer.cancel()
        self.held_bytes -= kept.byte_count
        for token in kept.ticket.tokens:
            del self._tokens[token]


def _check_model(ticket: Ticket, model: str) -> None:
    if ticket.model != model:
        raise InvalidRequest(
            f"the stream to resume was scored by the model {quoted(ticket.model)}, not {quoted(model)}: name that one, "
            "or leave resume out",
            "config.model",
        )
