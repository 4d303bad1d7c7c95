"""Streams that are open and of no use: idle ones, and ones whose client sends and never reads."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

from framewatch.v1 import framewatch_pb2 as pb
from framewatch_bench.frames import JpegFrames
from framewatch_bench.load.process import Use
from framewatch_bench.load.simulation import LABELS, Stub, connect
from framewatch_bench.spawn import ServerProcess

_SAMPLE_S = 0.25


@dataclass(frozen=True, slots=True)
class HoldReport:
    """Cost of held streams for the server.

    Attributes:
        streams: number of streams.
        cpu_share: CPU time of the server while they were held, as a share of one core (1.0: a whole core).
        grown_bytes: peak of the resident memory while they were held, above that before.
        sent: number of frames that the clients could send.

    """

    streams: int
    cpu_share: float
    grown_bytes: int
    sent: int


async def hold_streams(server: ServerProcess, streams: int, seconds: float, frames: JpegFrames | None) -> HoldReport:
    """Opens streams and holds them.

    Args:
        server: the server, a child of this process.
        streams: number of streams, each on a connection of its own.
        seconds: time for which they are held.
        frames: images that each client sends, as many as it can, without ever reading; None: it sends nothing.

    """
    before = Use.of(server.pid)
    async with connect(server.address, streams, streams) as stubs:
        clients = [_Client(stub, frames) for stub in stubs]
        await asyncio.gather(*(client.open() for client in clients))
        tasks = [asyncio.create_task(client.send()) for client in clients]
        began, started = Use.of(server.pid), time.perf_counter()
        most = began.memory_bytes
        while time.perf_counter() - started < seconds:
            await asyncio.sleep(_SAMPLE_S)
            most = max(most, Use.of(server.pid).memory_bytes)
        spent = Use.of(server.pid).cpu_s - began.cpu_s
        share = spent / (time.perf_counter() - started)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    return HoldReport(streams, share, most - before.memory_bytes, sum(client.sent for client in clients))


class _Client:
    def __init__(self, stub: Stub, frames: JpegFrames | None) -> None:
        self._call = stub.StreamFrames()
        self._frames = frames
        self.sent = 0

    async def open(self) -> None:
        label_set = pb.LabelSet(labels=[pb.Label(name=name) for name in LABELS])
        await self._call.write(pb.StreamFramesRequest(config=pb.StreamConfig(label_set=label_set)))
        if self._frames is None:
            await self._call.read()

    async def send(self) -> None:
        while self._frames is not None:
            frame = pb.Frame(frame_id=self.sent, image=pb.Image(encoded=self._frames.new()))
            await self._call.write(pb.StreamFramesRequest(frame=frame))
            self.sent += 1
        await asyncio.Event().wait()
