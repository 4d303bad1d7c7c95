"""Attacks by connections: floods of health watches, and clients that vanish without a word."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from framewatch.v1 import framewatch_pb2_grpc as pb_grpc
from framewatch_bench.hostile.files import honest_files
from framewatch_bench.hostile.requests import config, frames
from framewatch_bench.hostile.target import Target, quietly

_WATCHES = 300
_HELD_S = 4.0
_VANISHED_S = 75.0
_READ_BYTES = 65_536


async def health_watches(target: Target) -> None:
    """Watches the health 300 times on one connection."""
    async with target.channel() as channel:
        watch = health_pb2_grpc.HealthStub(channel).Watch  # type: ignore[attr-defined]  # its stubs lack it
        calls = [watch(health_pb2.HealthCheckRequest()) for _ in range(_WATCHES)]
        reading = [asyncio.ensure_future(target.count(call.read())) for call in calls]
        await asyncio.wait(reading, timeout=_HELD_S)
        await asyncio.sleep(_HELD_S)
        for call in calls:
            call.cancel()
        await quietly(*reading)


async def vanishing_clients(target: Target) -> None:
    """Has a client vanish in the middle of a stream: its machine answers nothing any more, not even the server's pings.

    The server ends the stream after its ping has failed, which takes about a minute.
    """
    line = _Line(target.address)
    async with await asyncio.start_server(line.carry, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        options = [("grpc.use_local_subchannel_pool", 1)]
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}", options=options) as channel:
            call = pb_grpc.ZeroShotServiceStub(channel).StreamFrames()
            for request in (config(), *frames(honest_files()[:1], 20)):
                await call.write(request)
            await call.read()
            line.cut()
            await asyncio.sleep(_VANISHED_S)
            call.cancel()
        target.statuses["CANCELLED"] += 1


class _Line:
    """Carries bytes between client and server until it is cut; after that it swallows them, and nobody is told."""

    def __init__(self, address: str) -> None:
        self._host, _, self._port = address.rpartition(":")
        self._cut = asyncio.Event()

    def cut(self) -> None:
        """Cuts the line."""
        self._cut.set()

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carries one connection."""
        far_reader, far_writer = await asyncio.open_connection(self._host, int(self._port))
        try:
            await asyncio.gather(self._one_way(reader, far_writer), self._one_way(far_reader, writer))
        except asyncio.CancelledError:
            return  # asyncio's server would print it
        finally:
            far_writer.close()
            writer.close()

    async def _one_way(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while data := await reader.read(_READ_BYTES):
                if not self._cut.is_set():
                    writer.write(data)
                    await writer.drain()
