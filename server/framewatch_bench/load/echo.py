"""A server that answers every frame at once, with the channel settings of the real one: the cost of gRPC alone.

Run it as `python -m framewatch_bench.load.echo`; it prints its port and runs until it is killed.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import grpc

from framewatch.v1 import framewatch_pb2 as pb
from framewatch.v1 import framewatch_pb2_grpc as pb_grpc
from framewatch_server.config import ServerConfig
from framewatch_server.rpc.app import channel_options

_CONFIG = ServerConfig()
_IN_FLIGHT = _CONFIG.stream_running_frames + _CONFIG.stream_waiting_frames


class _Echo(pb_grpc.ZeroShotServiceServicer):
    async def StreamFrames(  # noqa: N802
        self,
        request_iterator: AsyncIterator[pb.StreamFramesRequest],
        context: grpc.aio.ServicerContext[Any, Any],  # noqa: ARG002
    ) -> AsyncIterator[pb.StreamFramesResponse]:
        async for request in request_iterator:
            if request.HasField("frame"):
                result = pb.FrameResult(frame_id=request.frame.frame_id, scores=pb.FrameScores())
                yield pb.StreamFramesResponse(result=result)
            else:
                yield pb.StreamFramesResponse(started=pb.StreamStarted(in_flight_frame_count=_IN_FLIGHT))


async def _serve() -> None:
    server = grpc.aio.server(options=channel_options(_CONFIG))
    pb_grpc.add_ZeroShotServiceServicer_to_server(_Echo(), server)  # type: ignore[abstract]  # only this call is used
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    print(port, flush=True)  # noqa: T201
    await server.wait_for_termination()


if __name__ == "__main__":
    asyncio.run(_serve())
