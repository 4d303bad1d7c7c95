"""A StreamFrames call from the client's side: a window of frames on the way, their outcomes in order.

One task sends, the caller's own reads. A frame takes a place in the window before it is even read from its source and
gives it back when the caller has its outcome: a slow server, caller or source just slows the others down.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass

import anyio
import grpc

from framewatch.v1 import framewatch_pb2 as pb
from framewatch_client import wire
from framewatch_client.errors import FramewatchCallError, call_error
from framewatch_client.feed import Feed, RequestEncoder
from framewatch_client.types import Event, FrameResult, StreamItem, StreamStarted
from framewatch_core.frames import StreamConfig

DEFAULT_WINDOW = 8
"""Frames on the way if neither server nor caller says how many."""

StreamCall = grpc.aio.StreamStreamCall[pb.StreamFramesRequest, pb.StreamFramesResponse]


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

    """

    address: str
    jpeg_quality: int | None = 90
    downscale: bool = True
    window: int | None = None
    start_timeout_s: float = 30.0
    on_started: Callable[[StreamStarted], object] | None = None

    def __post_init__(self) -> None:
        if self.window is not None and self.window < 1:
            raise ValueError(f"window is {self.window}: expected at least 1 frame, or None")
        if self.jpeg_quality is not None and not 1 <= self.jpeg_quality <= 100:
            raise ValueError(f"jpeg_quality is {self.jpeg_quality}: expected 1 to 100, or None for raw pixels")


async def stream_frames(
    open_call: Callable[[], StreamCall],
    frames: Iterable[StreamItem] | AsyncIterable[StreamItem],
    config: StreamConfig,
    options: StreamOptions,
) -> AsyncGenerator[FrameResult | Event, None]:
    """Outcomes and events, in the server's order; see `AsyncFramewatchClient.stream`."""
    exchange = _Exchange(open_call(), options.address)
    sender: _Sender | None = None
    try:
        started = await _start(exchange, config, options)
        sender = _Sender(exchange, frames, config, options, started)
        while (response := await sender.next_response()) is not None:
            if (item := sender.take(response)) is not None:
                yield item
    finally:
        with anyio.CancelScope(shield=True):
            exchange.call.cancel()
            if sender is not None:
                await sender.aclose()


class _Exchange:
    """The call, with its faults as errors that a caller understands."""

    def __init__(self, call: StreamCall, address: str) -> None:
        self.call = call
        # not call.read(): once a write has met the end of the call, that gives up responses that were not read yet
        self._responses = aiter(call)
        self._address = address
        self._connected = False

    async def read(self) -> pb.StreamFramesResponse | None:
        """The next response; None: the server has ended the call with OK."""
        try:
            response = await anext(self._responses, None)
        except grpc.aio.AioRpcError as error:
            raise call_error(error, self._address, connected=self._connected) from error
        except asyncio.CancelledError:
            if _is_being_cancelled():
                raise
            raise FramewatchCallError(
                grpc.StatusCode.CANCELLED, "CANCELLED", "the stream was cancelled: its client was closed"
            ) from None
        self._connected = True
        return response

    async def write(self, request: pb.StreamFramesRequest) -> bool:
        """Sends a request; returns False if the call has ended: reading says why."""
        try:
            await _write(self.call, request)
        except Exception:  # of several kinds, one of them private to grpc
            return False
        return True

    async def done_writing(self) -> None:
        """Closes the client's side, if the call has not ended already."""
        with suppress(Exception):
            await self.call.done_writing()


async def _start(exchange: _Exchange, config: StreamConfig, options: StreamOptions) -> StreamStarted:
    """Sends the config; what the server says to it."""
    try:
        async with asyncio.timeout(options.start_timeout_s):
            await exchange.write(pb.StreamFramesRequest(config=wire.config_message(config)))
            while (response := await exchange.read()) is not None and not response.HasField("started"):
                pass
    except TimeoutError:
        raise FramewatchCallError(
            grpc.StatusCode.DEADLINE_EXCEEDED,
            "DEADLINE_EXCEEDED",
            f"{options.address} did not accept the stream within {options.start_timeout_s:g} s",
        ) from None
    if response is None:
        raise _ended_early("before it had accepted the config")
    started = wire.stream_started(response)
    if options.on_started is not None:
        options.on_started(started)
    return started


class _Sender:
    """Sends what the feed gives while the window has room, and counts what came back."""

    def __init__(
        self,
        exchange: _Exchange,
        frames: Iterable[StreamItem] | AsyncIterable[StreamItem],
        config: StreamConfig,
        options: StreamOptions,
        started: StreamStarted,
    ) -> None:
        encoder = RequestEncoder(
            config,
            short_side=started.useful_short_side if options.downscale else None,
            jpeg_quality=options.jpeg_quality,
            max_image_bytes=started.max_image_bytes,
        )
        self._exchange = exchange
        self._feed = Feed(frames, encoder)
        self._room = asyncio.Semaphore(_window(started.in_flight_frame_count, options.window))
        self._unanswered_count = 0
        self._all_sent = False
        self._fault: Exception | None = None  # of the source: it is raised after the results of the frames before it
        self._task = asyncio.create_task(self._send_all(), name="framewatch-sender")

    async def _send_all(self) -> None:
        try:
            while await self._send_next_frame():
                pass
        except Exception as fault:
            self._fault = fault
            await self._exchange.done_writing()

    async def _send_next_frame(self) -> bool:
        """Sends configs and a frame; returns whether there may be more."""
        await self._room.acquire()
        while (request := await self._feed.next_request()) is not None:
            is_frame = request.HasField("frame")
            self._unanswered_count += is_frame
            if not await self._exchange.write(request):
                return False
            if is_frame:
                return True
        self._all_sent = True
        await self._exchange.done_writing()
        return False

    async def next_response(self) -> pb.StreamFramesResponse | None:
        """The next response; None: all frames have their outcome. Raises what the source or the server raised."""
        response = await self._exchange.read()
        if response is None:
            self._check_complete()
        return response

    def _check_complete(self) -> None:
        if self._unanswered_count:
            raise _ended_early(f"while {self._unanswered_count} frames had no result yet")
        if self._fault is not None:
            raise self._fault
        if not self._all_sent:
            raise _ended_early("while there were frames to send")

    def take(self, response: pb.StreamFramesResponse) -> FrameResult | Event | None:
        """What a response says; None for what this client doesn't know."""
        match response.WhichOneof("response"):
            case "result":
                self._unanswered_count -= 1
                self._room.release()
                return wire.frame_result(response)
            case "event":
                return wire.event(response)
            case _:
                return None

    async def aclose(self) -> None:
        """Stops sending and releases the source."""
        self._task.cancel()
        await asyncio.wait({self._task})
        await self._feed.aclose()


async def _write(call: StreamCall, request: pb.StreamFramesRequest) -> None:
    """As `call.write`, but leaves the call's status alone.

    A `call.write` that meets the end of the call puts "Internal error from Core" in the place of the server's status,
    which then never comes (grpc.aio 1.85, up to one in ten such ends). So this goes below it, where that is possible.
    """
    send = getattr(getattr(call, "_cython_call", None), "send_serialized_message", None)
    if send is None:
        await call.write(request)
        return
    await call.wait_for_connection()
    if call.done():
        raise asyncio.InvalidStateError
    await send(request.SerializeToString())


def _window(server_count: int, own_count: int | None) -> int:
    """Frames on the way at most: the smaller of what the server and the caller say."""
    counts = [count for count in (server_count, own_count) if count]
    return min(counts, default=DEFAULT_WINDOW)


def _is_being_cancelled() -> bool:
    """Whether the running task itself is being cancelled, rather than the call it waits for."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _ended_early(when: str) -> FramewatchCallError:
    return FramewatchCallError(grpc.StatusCode.UNKNOWN, "STREAM_ENDED_EARLY", f"the server ended the stream {when}")
