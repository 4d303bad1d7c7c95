"""One call of StreamFrames from the client's side, with its faults as errors that a caller understands."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import grpc

from framewatch.v1 import framewatch_pb2 as pb
from framewatch_client import _wire as wire
from framewatch_client._streaming.outbox import Outbox
from framewatch_client.errors import FramewatchCallError, call_error
from framewatch_client.types import StreamStarted

StreamCall = grpc.aio.StreamStreamCall[pb.StreamFramesRequest, pb.StreamFramesResponse]


class Exchange:
    """A call: a task of its own sends, the caller's reads."""

    def __init__(self, call: StreamCall, address: str) -> None:
        self._call = call
        # not call.read(): once a write has met the end of the call, that gives up responses that were not read yet
        self._responses = aiter(call)
        self._address = address
        self._connected = False
        self._sender: asyncio.Task[None] | None = None

    async def start(self, first: pb.StreamFramesRequest, timeout_s: float) -> StreamStarted:
        """Sends the config; returns what the server says to it."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._write(first)
                while (response := await self.read()) is not None and not response.HasField("started"):
                    pass
        except TimeoutError:
            raise FramewatchCallError(
                grpc.StatusCode.DEADLINE_EXCEEDED,
                "DEADLINE_EXCEEDED",
                f"{self._address} did not accept the stream within {timeout_s:g} s",
            ) from None
        if response is None:
            raise ended_early("before it had accepted the config")
        return wire.stream_started(response)

    def send(self, outbox: Outbox) -> None:
        """Begins to send what the outbox has to send."""
        self._sender = asyncio.create_task(self._send_all(outbox), name="framewatch-sender")

    async def _send_all(self, outbox: Outbox) -> None:
        while (request := await outbox.next()) is not None:
            if not await self._write(request):
                return
        with suppress(Exception):  # the call has ended already: reading says why
            await self._call.done_writing()

    async def _write(self, request: pb.StreamFramesRequest) -> bool:
        """Sends a request; returns False if the call has ended: reading says why."""
        try:
            await _write(self._call, request)
        except Exception:  # of several kinds, one of them private to grpc
            return False
        return True

    async def read(self) -> pb.StreamFramesResponse | None:
        """The next response; None: the server has ended the call with OK."""
        try:
            response = await anext(self._responses, None)
        except grpc.aio.AioRpcError as error:
            raise call_error(error, self._address, connected=self._connected) from error
        except asyncio.CancelledError:
            if _is_being_cancelled():
                raise
            raise closed_error() from None
        self._connected = True
        return response

    async def aclose(self) -> None:
        """Cancels the call and stops sending."""
        self._call.cancel()
        if self._sender is not None:
            self._sender.cancel()
            await asyncio.wait({self._sender})


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


def _is_being_cancelled() -> bool:
    """Whether the running task itself is being cancelled, rather than the call it waits for."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def closed_error() -> FramewatchCallError:
    """The caller has closed the client under the stream."""
    return FramewatchCallError(
        grpc.StatusCode.CANCELLED, "CANCELLED", "the stream was cancelled: its client was closed"
    )


def ended_early(when: str) -> FramewatchCallError:
    """The server has ended the call with OK too soon."""
    return FramewatchCallError(grpc.StatusCode.UNKNOWN, "STREAM_ENDED_EARLY", f"the server ended the stream {when}")
