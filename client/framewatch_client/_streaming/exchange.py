"""A call of StreamFrames, with its faults as the client's errors."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import grpc

from framewatch.v1 import framewatch_pb2 as pb
from framewatch_client._call_errors import call_error, ended_early, not_accepted
from framewatch_client._streaming.outbox import Outbox
from framewatch_core.stream.messages import StreamStarted
from framewatch_wire.responses import stream_started_from_proto

StreamCall = grpc.aio.StreamStreamCall[pb.StreamFramesRequest, pb.StreamFramesResponse]


class Exchange:
    """A call: a task of its own sends requests, the caller's task reads responses."""

    def __init__(self, call: StreamCall, address: str) -> None:
        self._call = call
        # not call.read(): once a write has met the end of the call, read() loses responses that were not read yet
        self._responses = aiter(call)
        self._address = address
        self._connected = False
        self._sender: asyncio.Task[None] | None = None

    async def start(self, first: pb.StreamFramesRequest, timeout_s: float) -> StreamStarted:
        """Sends the first config and returns the server's answer to it."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._write(first)
                while (response := await self.read()) is not None and not response.HasField("started"):
                    pass
        except TimeoutError:
            raise not_accepted(self._address, timeout_s) from None
        if response is None:
            raise ended_early("before it had accepted the config")
        return stream_started_from_proto(response.started)

    def send(self, outbox: Outbox) -> None:
        """Starts the task that sends the outbox's requests."""
        self._sender = asyncio.create_task(self._send_all(outbox), name="framewatch-sender")

    async def _send_all(self, outbox: Outbox) -> None:
        while (request := await outbox.next()) is not None:
            if not await self._write(request):
                return
        with suppress(Exception):  # the call has ended already: reading gives the reason
            await self._call.done_writing()

    async def _write(self, request: pb.StreamFramesRequest) -> bool:
        """Sends a request. Returns False if the call has ended: reading gives the reason."""
        try:
            await _write(self._call, request)
        except Exception:  # of several kinds, one of them private to grpc
            return False
        return True

    async def read(self) -> pb.StreamFramesResponse | None:
        """Returns the next response; None: the server has ended the call with OK."""
        try:
            response = await anext(self._responses, None)
        except grpc.aio.AioRpcError as error:
            raise call_error(error, self._address, connected=self._connected) from error
        self._connected = True
        return response

    async def aclose(self) -> None:
        """Cancels the call and stops sending."""
        self._call.cancel()
        if self._sender is not None:
            self._sender.cancel()
            await asyncio.wait({self._sender})


async def _write(call: StreamCall, request: pb.StreamFramesRequest) -> None:
    """Sends a request like `call.write`, but keeps the status that the server ends the call with.

    A `call.write` that meets the end of the call puts "Internal error from Core" in the place of the server's status,
    which is lost then (grpc.aio 1.85, up to one in ten such ends). So this uses the layer below it, if there is one.
    """
    send = getattr(getattr(call, "_cython_call", None), "send_serialized_message", None)
    if send is None:
        await call.write(request)
        return
    await call.wait_for_connection()
    if call.done():
        raise asyncio.InvalidStateError
    await send(request.SerializeToString())
