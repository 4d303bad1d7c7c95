"""The server under attack, and a count of its answers."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterable, AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TypeAlias

import grpc
import numpy as np

from framewatch.v1 import framewatch_pb2 as pb
from framewatch.v1 import framewatch_pb2_grpc as pb_grpc
from framewatch_bench.load.simulation import Stub

CALL_TIMEOUT_S = 120.0
StreamCall: TypeAlias = "grpc.aio.StreamStreamCall[pb.StreamFramesRequest, pb.StreamFramesResponse]"

_OPTIONS = [("grpc.use_local_subchannel_pool", 1), ("grpc.max_receive_message_length", -1)]


@dataclass(slots=True)
class Target:
    """A server under attack.

    Attributes:
        address: HOST:PORT.
        rng: source of all chance.
        statuses: number of calls by how they ended: a gRPC status, or CANCELLED where the client left.
        outcomes: number of frames by outcome: scored, dropped or the reason of a failure.

    """

    address: str
    rng: np.random.Generator
    statuses: Counter[str] = field(default_factory=Counter)
    outcomes: Counter[str] = field(default_factory=Counter)

    @asynccontextmanager
    async def channel(self) -> AsyncIterator[grpc.aio.Channel]:
        """Opens a connection of its own."""
        async with grpc.aio.insecure_channel(self.address, options=_OPTIONS) as channel:
            yield channel

    @asynccontextmanager
    async def stub(self) -> AsyncIterator[Stub]:
        """Opens a connection of its own, with the calls of the service."""
        async with self.channel() as channel:
            yield pb_grpc.ZeroShotServiceStub(channel)

    async def count(self, call: Awaitable[object]) -> None:
        """Waits for a call, and counts its end."""
        try:
            await call
        except grpc.RpcError as error:
            self.statuses[_name(error)] += 1
        except asyncio.CancelledError:
            if (task := asyncio.current_task()) is not None and task.cancelling():
                raise
            self.statuses["CANCELLED"] += 1
        else:
            self.statuses["OK"] += 1

    async def read_all(self, stream: AsyncIterable[pb.StreamFramesResponse]) -> None:
        """Reads a stream to its end, and counts outcomes and end."""

        async def read() -> None:
            async for response in stream:
                self.see(response)

        await self.count(read())

    def see(self, response: pb.StreamFramesResponse) -> None:
        """Counts a frame's outcome."""
        if response.HasField("result"):
            match response.result.WhichOneof("outcome"):
                case "error":
                    reason = pb.FrameErrorReason.Name(response.result.error.reason)
                    self.outcomes[reason.removeprefix("FRAME_ERROR_REASON_")] += 1
                case outcome:
                    self.outcomes[str(outcome)] += 1


def _name(error: grpc.RpcError) -> str:
    if not isinstance(error, grpc.aio.AioRpcError):
        return "UNKNOWN"
    # gRPC's own error, in this process, of a message that is sent after the server has ended the stream
    is_own = (error.details() or "").startswith("Internal error from Core")
    return "ENDED WHILE SENDING" if is_own else str(error.code().name)


async def quietly(*calls: Awaitable[object]) -> None:
    """Waits for calls whose ends are of no interest."""
    await asyncio.gather(*calls, return_exceptions=True)
