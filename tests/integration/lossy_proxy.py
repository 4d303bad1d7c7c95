"""A TCP proxy that loses a connection when the server sends more than a given number of gRPC messages."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from enum import Enum, auto

_HEADER_BYTES = 9
_DATA, _HEADERS, _RST_STREAM = 0, 1, 3
_MESSAGE_PREFIX_BYTES = 5


class Cut(Enum):
    """Kinds of lost connections."""

    CLOSED = auto()  # for both sides
    HALF_OPEN = auto()  # for the client; the server does not notice
    RESET = auto()  # RST_STREAM ends the call; the connection stays


@dataclass(slots=True)
class LossyProxy:
    """A proxy in front of a server; as an async context manager it yields the address to connect to.

    Attributes:
        upstream: HOST:PORT of the server.
        messages: numbers of messages let through to the client before each cut, in turn; later calls are not cut.
        cut: kind of every cut.
        reset_code: HTTP/2 error code of RESET.
        cut_count: number of cuts so far.

    """

    upstream: str
    messages: list[int]
    cut: Cut = Cut.CLOSED
    reset_code: int = 8
    cut_count: int = 0
    _server: asyncio.Server | None = None
    _writers: list[asyncio.StreamWriter] = field(default_factory=list)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def __aenter__(self) -> str:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return f"127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for writer in self._writers:
            writer.transport.abort()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        host, _, port = self.upstream.rpartition(":")
        server_reader, server_writer = await asyncio.open_connection(host, int(port))
        self._writers += [writer, server_writer]
        pumps = (self._to_server(reader, server_writer), self._to_client(server_reader, writer, server_writer))
        tasks = [asyncio.create_task(pump) for pump in pumps]
        self._tasks.update(tasks)
        await asyncio.wait(tasks)

    async def _to_server(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        except OSError:
            pass
        if self.cut is not Cut.HALF_OPEN:
            writer.close()

    async def _to_client(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, server: asyncio.StreamWriter
    ) -> None:
        calls: dict[int, _Messages] = {}
        try:
            async for kind, flags, stream, payload in _frames(reader):
                if kind == _DATA and stream not in calls:
                    calls[stream] = _Messages(self.messages.pop(0) if self.messages else None)
                call = calls.get(stream, _Messages(None))
                if kind == _DATA and (end := call.end_of(payload)) is not None:
                    self._write(writer, _DATA, 0, stream, payload[:end])
                elif kind != _HEADERS or call.left is None:
                    self._write(writer, kind, flags, stream, payload)
                    await writer.drain()
                    continue
                calls[stream] = _Messages(None)
                self._lose(writer, server, stream)
                if self.cut is not Cut.RESET:
                    return
        except (OSError, asyncio.IncompleteReadError):
            writer.close()

    def _lose(self, client: asyncio.StreamWriter, server: asyncio.StreamWriter, stream: int) -> None:
        self.cut_count += 1
        if self.cut is Cut.RESET:
            for side in (client, server):
                self._write(side, _RST_STREAM, 0, stream, struct.pack(">I", self.reset_code))
            return
        client.close()
        if self.cut is Cut.CLOSED:
            server.close()

    @staticmethod
    def _write(writer: asyncio.StreamWriter, kind: int, flags: int, stream: int, payload: bytes) -> None:
        writer.write(struct.pack(">I", len(payload))[1:] + bytes((kind, flags)) + struct.pack(">I", stream) + payload)


async def _frames(reader: asyncio.StreamReader) -> AsyncIterator[tuple[int, int, int, bytes]]:
    """Yields HTTP/2 frames: type, flags, stream, payload."""
    while True:
        header = await reader.readexactly(_HEADER_BYTES)
        (length,) = struct.unpack(">I", b"\0" + header[:3])
        yield header[3], header[4], struct.unpack(">I", header[5:])[0], await reader.readexactly(length)


@dataclass(slots=True)
class _Messages:
    """A count of one call's gRPC messages, which may begin and end anywhere in its DATA frames."""

    left: int | None  # to let through; None: all
    _missing: int = 0  # bytes of the current message that are still to come
    _prefix: bytes = b""

    def end_of(self, payload: bytes) -> int | None:
        """Returns the end, in the payload, of the messages that are let through; None: it has no others."""
        at = 0
        while self.left is not None and at < len(payload):
            if self.left == 0:
                return at
            at += self._take(payload[at:])
        return None

    def _take(self, payload: bytes) -> int:
        """Takes bytes of one message; returns their number."""
        if not self._missing:
            taken = payload[: _MESSAGE_PREFIX_BYTES - len(self._prefix)]
            self._prefix += taken
            if len(self._prefix) == _MESSAGE_PREFIX_BYTES:
                self._missing, self._prefix = struct.unpack(">I", self._prefix[1:])[0], b""
            return len(taken)
        step = min(self._missing, len(payload))
        self._missing -= step
        if not self._missing and self.left is not None:
            self.left -= 1
        return step


__all__ = ["Cut", "LossyProxy"]
