"""A stream from the client's side: a window of frames on the way, their outcomes in order, over one call or several.

One task reads the source, one for each call sends, the caller's own reads. A frame takes a place in the window before
it is even read from its source and gives it back when the caller has its outcome: a slow server, caller or source just
slows the others down. Frames without an outcome are kept: when the connection is lost, the next one sends them again.
"""

from __future__ import annotations

import asyncio
from asyncio import sleep
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Iterable
from dataclasses import dataclass, field, replace

import anyio

from framewatch.v1 import framewatch_pb2 as pb
from framewatch_client import _wire as wire
from framewatch_client import _wire_config as wire_config
from framewatch_client._streaming.config_warnings import ConfigWarnings, log_warning
from framewatch_client._streaming.exchange import Exchange, StreamCall, ended_early
from framewatch_client._streaming.feed import Feed, RequestEncoder
from framewatch_client._streaming.outbox import Outbox
from framewatch_client._streaming.reconnect import Backoff, may_pass
from framewatch_client.answers import ServerWarning
from framewatch_client.errors import FramewatchCallError, ServerUnreachableError
from framewatch_client.types import Event, Explanation, FrameResult, Reconnected, StreamItem, StreamStarted
from framewatch_core.stream.messages import StreamConfig
from framewatch_core.stream.resume import ResumePoint

DEFAULT_WINDOW = 8
"""Frames on the way if neither server nor caller says how many."""


@dataclass(frozen=True, slots=True)
class StreamOptions:
    """How frames are sent.

    Attributes:
        address: of the server, for messages.
        jpeg_quality: 1 to 100; None: raw pixels.
        downscale: whether frames are shrunk to what the server says that it needs.
        window: frames without an outcome at most, at least 1; None: as many as the server says.
        start_timeout_s: how long the server may take to accept the config.
        on_started: told what the server answered to it.
        resume: where an earlier stream was lost; None: nowhere.
        reconnect_timeout_s: for how long to try when the connection is lost; 0 or None: not at all.
        on_reconnect: told when it is back.
        on_warning: told what may not be as it was meant in a config.
        backoff: the waits between the attempts.

    """

    address: str
    jpeg_quality: int | None = 90
    downscale: bool = True
    window: int | None = None
    start_timeout_s: float = 30.0
    on_started: Callable[[StreamStarted], object] | None = None
    resume: ResumePoint | None = None
    reconnect_timeout_s: float | None = 60.0
    on_reconnect: Callable[[Reconnected], object] | None = None
    on_warning: Callable[[ServerWarning], object] = log_warning
    backoff: Backoff = field(default_factory=Backoff)

    def __post_init__(self) -> None:
        if self.window is not None and self.window < 1:
            raise ValueError(f"window is {self.window}: expected at least 1 frame, or None")
        if self.jpeg_quality is not None and not 1 <= self.jpeg_quality <= 100:
            raise ValueError(f"jpeg_quality is {self.jpeg_quality}: expected 1 to 100, or None for raw pixels")
        if self.reconnect_timeout_s is not None and not self.reconnect_timeout_s >= 0:
            raise ValueError(f"reconnect_timeout_s is {self.reconnect_timeout_s}: expected 0 or more, or None")


async def stream_frames(
    open_call: Callable[[], StreamCall],
    frames: Iterable[StreamItem] | AsyncIterable[StreamItem],
    config: StreamConfig,
    options: StreamOptions,
) -> AsyncGenerator[FrameResult | Event, None]:
    """Outcomes and events, in the server's order; see `AsyncFramewatchClient.stream`."""
    outbox = Outbox(wire_config.config_message(config))
    link = _Link(open_call, outbox, options)
    producer: _Producer | None = None
    try:
        started = await link.open(options.start_timeout_s)
        if options.on_started is not None:
            options.on_started(started)
        producer = _Producer(frames, config, options, started, outbox)
        while (response := await link.read()) is not None:
            item = link.take(response)
            if isinstance(item, Explanation):
                producer.explained(item)
            elif item is not None:
                if isinstance(item, FrameResult):
                    producer.make_room()
                yield item
        producer.check_complete()
    finally:
        with anyio.CancelScope(shield=True):
            await link.aclose()
            if producer is not None:
                await producer.aclose()


class _Link:
    """The way to the server: one call after the other, each going on from where the one before it was lost."""

    def __init__(self, open_call: Callable[[], StreamCall], outbox: Outbox, options: StreamOptions) -> None:
        self._open_call = open_call
        self._outbox = outbox
        self._options = options
        self._warnings = ConfigWarnings(options.on_warning)
        self._point = options.resume
        self._exchange: Exchange | None = None
        self._version_offset = 0
        self._idle_since_s: float | None = None  # when the connection was lost first after the last outcome
        self._attempt = 0

    async def open(self, timeout_s: float) -> StreamStarted:
        """Opens a call with the config, and begins to send."""
        request = self._outbox.first_request(self._point)
        self._version_offset = self._outbox.config_version - 1
        self._exchange = exchange = Exchange(self._open_call(), self._options.address)
        started = await exchange.start(request, timeout_s)
        self._point = _point_after(started, self._point)
        exchange.send(self._outbox)
        return replace(started, resume_point=self._point)

    async def read(self) -> pb.StreamFramesResponse | None:
        """The next response, over as many calls as it takes; None: the server has ended the last one with OK."""
        while True:
            try:
                return await self._current().read()
            except FramewatchCallError as error:
                if not (error.transient and self._options.reconnect_timeout_s):
                    raise
                await self._reconnect(error, self._options.reconnect_timeout_s)

    def _current(self) -> Exchange:
        if self._exchange is None:
            msg = "the link is open"
            raise AssertionError(msg)
        return self._exchange

    async def _reconnect(self, error: FramewatchCallError, timeout_s: float) -> None:
        clock = asyncio.get_running_loop().time
        lost_at_s = clock()
        # a server that takes every stream and ends it at once is given up too
        self._idle_since_s = lost_at_s if self._idle_since_s is None else self._idle_since_s
        give_up_s = self._idle_since_s + timeout_s
        started, last = None, error
        while started is None:
            await self.aclose()
            wait_s = self._options.backoff.wait_s(self._attempt)
            self._attempt += 1
            if clock() + wait_s >= give_up_s:
                raise _given_up(self._options.address, timeout_s, last) from error
            await sleep(wait_s)
            try:
                started = await self.open(min(self._options.start_timeout_s, give_up_s - clock()))
            except FramewatchCallError as again:
                if not may_pass(again):
                    raise
                last = again
        if self._options.on_reconnect is not None:
            self._options.on_reconnect(Reconnected(error, clock() - lost_at_s, started))

    def take(self, response: pb.StreamFramesResponse) -> FrameResult | Event | Explanation | None:
        """What a response says; None for what this client doesn't know."""
        self._idle_since_s, self._attempt = None, 0
        match response.WhichOneof("response"):
            case "result":
                self._outbox.answer()
                self._point = self._point and replace(self._point, last_frame_id=response.result.frame_id)
                result = wire.frame_result(response)
                version = result.config_version + self._version_offset
                return replace(result, config_version=version, resume_point=self._point)
            case "event" | "health_event":
                event_id = response.event.event_id or response.health_event.event_id
                self._point = self._point and replace(self._point, last_event_id=event_id)
                event = wire.event(response)
                return event and replace(event, resume_point=self._point)
            case "explanation":
                self._outbox.answer_explain()
                return wire.explanation(response)
            case "config_warnings":
                version = response.config_warnings.config_version + self._version_offset
                self._warnings.take(version, wire.server_warnings(response.config_warnings.warnings))
                return None
            case _:
                return None

    async def aclose(self) -> None:
        """Ends the call."""
        exchange, self._exchange = self._exchange, None
        if exchange is not None:
            await exchange.aclose()


class _Producer:
    """Reads the source while the window has room."""

    def __init__(
        self,
        frames: Iterable[StreamItem] | AsyncIterable[StreamItem],
        config: StreamConfig,
        options: StreamOptions,
        started: StreamStarted,
        outbox: Outbox,
    ) -> None:
        encoder = RequestEncoder(
            config,
            short_side=started.useful_short_side if options.downscale else None,
            jpeg_quality=options.jpeg_quality,
            max_image_bytes=started.max_image_bytes,
            last_frame_id=None if options.resume is None else options.resume.last_frame_id,
        )
        self._explains = encoder.explains
        self._feed = Feed(frames, encoder)
        self._room = asyncio.Semaphore(_window(started.in_flight_frame_count, options.window))
        self._outbox = outbox
        self._fault: Exception | None = None  # of the source: it is raised after the results of the frames before it
        self._task = asyncio.create_task(self._produce(), name="framewatch-producer")

    async def _produce(self) -> None:
        try:
            while await self._produce_frame():
                pass
        except Exception as fault:
            self._fault = fault
        self._outbox.close()

    async def _produce_frame(self) -> bool:
        """Hands on configs and a frame; returns whether there may be more."""
        await self._room.acquire()
        while (request := await self._feed.next_request()) is not None:
            self._outbox.add(request)
            if request.HasField("frame"):
                return True
        return False

    def explained(self, explanation: Explanation) -> None:
        """The first Explain has its answer; one that nobody asked for is passed over."""
        if self._explains:
            self._explains.popleft().on_answer(explanation)

    def make_room(self) -> None:
        """A frame has its outcome."""
        self._room.release()

    def check_complete(self) -> None:
        """The server has ended the stream. Raises what the source raised, or an error if something is missing."""
        if self._outbox.frame_count:
            raise ended_early(f"while {self._outbox.frame_count} frames had no result yet")
        if self._fault is not None:
            raise self._fault
        if not self._outbox.closed:
            raise ended_early("while there were frames to send")

    async def aclose(self) -> None:
        """Stops reading and releases the source."""
        self._task.cancel()
        await asyncio.wait({self._task})
        await self._feed.aclose()


def _point_after(started: StreamStarted, before: ResumePoint | None) -> ResumePoint | None:
    """What the client has once the server has answered; None: the server can't resume."""
    token = started.message.started.resume_token
    if not token:
        return None
    if before is None:
        return ResumePoint(token)
    # the events of a stream that starts anew are others
    return replace(before, token=token, last_event_id=before.last_event_id if started.resumed else "")


def _window(server_count: int, own_count: int | None) -> int:
    """Frames on the way at most: the smaller of what the server and the caller say."""
    counts = [count for count in (server_count, own_count) if count]
    return min(counts, default=DEFAULT_WINDOW)


def _given_up(address: str, timeout_s: float, last: FramewatchCallError) -> ServerUnreachableError:
    return ServerUnreachableError(
        f"the connection to {address} was lost and did not come back within {timeout_s:g} s: {last}"
    )
