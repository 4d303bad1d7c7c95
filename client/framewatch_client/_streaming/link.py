"""The link of a stream to its server: one call after the other, each going on where the one before it was lost."""

from __future__ import annotations

import asyncio
from asyncio import sleep
from collections.abc import Callable
from dataclasses import dataclass, replace

from framewatch.v1 import framewatch_pb2 as pb
from framewatch_client._closing import Closing
from framewatch_client._streaming.exchange import Exchange, StreamCall
from framewatch_client._streaming.outbox import Outbox
from framewatch_client._streaming.reconnect import Attempts, Backoff, is_temporary
from framewatch_client._warnings import WarningReporter
from framewatch_client.errors import FramewatchCallError, ServerUnreachableError
from framewatch_client.options import StreamOptions
from framewatch_client.types import Reconnected
from framewatch_core.resume_point import ResumePoint
from framewatch_core.stream.messages import Explanation, StreamResult, StreamStarted
from framewatch_wire.events import event_from_proto, health_event_from_proto
from framewatch_wire.explanations import explanation_from_proto
from framewatch_wire.results import frame_result_from_proto
from framewatch_wire.warnings import warnings_from_proto


@dataclass(frozen=True, slots=True)
class Endpoint:
    """The server of a stream.

    Attributes:
        address: for messages.
        open_call: opens a call.
        closing: the end of the client.
        start_timeout_s: the longest time until the server accepts the config, in seconds.
        backoff: the waits between attempts to reconnect.

    """

    address: str
    open_call: Callable[[], StreamCall]
    closing: Closing
    start_timeout_s: float
    backoff: Backoff


class Link:
    """The calls of one stream.

    Its state: the call that is open; the point from which the next one would go on; and the attempts to reconnect.
    """

    _exchange: Exchange | None
    _point: ResumePoint | None
    _attempts: Attempts

    def __init__(self, endpoint: Endpoint, outbox: Outbox, options: StreamOptions) -> None:
        self._endpoint = endpoint
        self._outbox = outbox
        self._reconnect_timeout_s = options.send.reconnect_timeout_s
        self._on_reconnect = options.notify.on_reconnect
        self._warnings = WarningReporter(options.notify.on_warning)
        self._exchange = None
        self._point = options.send.resume
        self._attempts = Attempts(endpoint.backoff)

    async def open(self, timeout_s: float) -> StreamStarted:
        """Opens a call with the config, and begins to send. Returns the server's answer."""
        request = self._outbox.first_request(self._point)
        with self._endpoint.closing.ending():
            self._exchange = exchange = Exchange(self._endpoint.open_call(), self._endpoint.address)
            started = await exchange.start(request, timeout_s)
        self._point = _point_after(started, self._point)
        exchange.send(self._outbox)
        version = self._outbox.version_of(started.config_version)
        return replace(started, config_version=version, resume_point=self._point)

    async def read(self) -> pb.StreamFramesResponse | None:
        """Returns the next response, over as many calls as needed; None: the server has ended the last one with OK."""
        while True:
            try:
                with self._endpoint.closing.ending():
                    return await self._current().read()
            except FramewatchCallError as error:
                if not (error.transient and self._reconnect_timeout_s):
                    raise
                await self._reconnect(error, self._reconnect_timeout_s)

    def _current(self) -> Exchange:
        if self._exchange is None:
            msg = "the link is open"
            raise AssertionError(msg)
        return self._exchange

    async def _reconnect(self, error: FramewatchCallError, timeout_s: float) -> None:
        clock = asyncio.get_running_loop().time
        lost_at_s = clock()
        started, last = None, error
        while started is None:
            await self.aclose()
            wait_s = self._attempts.next_wait_s()
            if self._attempts.lost_s + (clock() - lost_at_s) + wait_s >= timeout_s:
                raise _given_up(self._endpoint.address, timeout_s, last) from error
            with self._endpoint.closing.ending():
                await sleep(wait_s)
            left_s = timeout_s - self._attempts.lost_s - (clock() - lost_at_s)
            try:
                started = await self.open(min(self._endpoint.start_timeout_s, left_s))
            except FramewatchCallError as again:
                if not is_temporary(again):
                    raise
                last = again
        self._attempts.lost_s += clock() - lost_at_s
        if self._on_reconnect is not None:
            self._on_reconnect(Reconnected(error, clock() - lost_at_s, started))

    def take(self, response: pb.StreamFramesResponse) -> StreamResult | Explanation | None:
        """Records a response and returns its content; None: a warning, or a case that this client doesn't know."""
        match response.WhichOneof("response"):
            case "result":
                self._attempts.succeed()
                self._outbox.answer()
                self._point = self._point and replace(self._point, last_frame_id=response.result.frame_id)
                result = frame_result_from_proto(response.result)
                version = self._outbox.version_of(result.config_version)
                return replace(result, config_version=version, resume_point=self._point)
            case "event":
                self._point = self._point and replace(self._point, last_event_id=response.event.event_id)
                event = event_from_proto(response.event)
                return event and replace(event, resume_point=self._point)
            case "health_event":
                self._point = self._point and replace(self._point, last_event_id=response.health_event.event_id)
                health_event = health_event_from_proto(response.health_event)
                return health_event and replace(health_event, resume_point=self._point)
            case "explanation":
                self._outbox.answer_explain()
                return explanation_from_proto(response.explanation)
            case "config_warnings":
                version = self._outbox.version_of(response.config_warnings.config_version)
                self._warnings.take(version, warnings_from_proto(response.config_warnings.warnings))
                return None
            case _:
                return None

    async def aclose(self) -> None:
        """Ends the call."""
        exchange, self._exchange = self._exchange, None
        if exchange is not None:
            await exchange.aclose()


def _point_after(started: StreamStarted, before: ResumePoint | None) -> ResumePoint | None:
    """Returns the resume point after the server's answer to a config; None: the server can't resume streams."""
    token = started.resume_token
    if not token:
        return None
    if before is None:
        return ResumePoint(token)
    # a stream that starts anew has events of its own
    return replace(before, token=token, last_event_id=before.last_event_id if started.resumed else "")


def _given_up(address: str, timeout_s: float, last: FramewatchCallError) -> ServerUnreachableError:
    return ServerUnreachableError(
        f"the connection to {address} was lost and did not come back within {timeout_s:g} s, or came back without a "
        f"result of any frame: {last}"
    )
