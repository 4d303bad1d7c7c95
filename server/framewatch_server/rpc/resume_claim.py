"""A stream's claim on a resume state: that of the stream which it takes over, and its own, which others may take."""

from __future__ import annotations

from collections.abc import Callable

from framewatch_core.resume_point import ResumePoint
from framewatch_core.stream.resume import StreamState
from framewatch_core.time import NS_PER_S
from framewatch_server.engine.resume import ResumableStreams, Running, Ticket


class ResumeClaim:
    """The claim of one stream; held from its first config until its state goes elsewhere."""

    def __init__(self, streams: ResumableStreams) -> None:
        self._streams = streams
        self._ticket: Ticket | None = None

    @property
    def is_held(self) -> bool:
        """True if other streams can go on from this one."""
        return self._ticket is not None

    @property
    def token(self) -> str:
        """The token for the client; empty if no claim is held."""
        return "" if self._ticket is None else self._ticket.token

    @property
    def lifetime_ns(self) -> int:
        """Time for which the state is kept after the stream's end."""
        return round(self._streams.lifetime_s * NS_PER_S)

    def begin(self, stream: Running, model: str, point: ResumePoint | None) -> StreamState | None:
        """Begins the claim; returns the state of the stream that `point` names, if there is one.

        Raises:
            InvalidRequest: that stream's model is another one.

        """
        state = None if point is None else self._streams.take(point.token, model)
        former = "" if point is None or state is None else point.token
        self._ticket = self._streams.add(stream, model, former)
        return state

    def confirm(self) -> None:
        """Takes note that the client has the stream's own token: the former stream's is good no more."""
        if self._ticket is not None and self._ticket.former:
            self._ticket = self._streams.confirm(self._ticket)

    def withdraw(self) -> None:
        """Gives the claim up: no other stream can go on from this one."""
        if self._ticket is not None:
            self._streams.remove(self._ticket)
            self._ticket = None

    def leave(self, hand_over: Callable[[], StreamState], *, is_lost: bool) -> None:
        """Leaves the state to a stream that may come for it, if the claim is held; see `ResumableStreams.end`."""
        if self._ticket is not None:
            self._streams.end(self._ticket, hand_over(), is_lost=is_lost)
            self._ticket = None
