"""A call's context, in place of gRPC's."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import grpc


class Aborted(Exception):
    """Raised in place of grpc's own."""


class FakeContext:
    """Gives the requests that it is made with, keeps what is sent, and remembers how the call ends."""

    def __init__(self, *requests: object, peer: str = "ipv4:127.0.0.1:1") -> None:
        self.requests: list[object] = [*requests]
        self.sent: list[object] = []
        self.may_send = asyncio.Event()
        self.may_send.set()
        self.code: grpc.StatusCode | None = None
        self.message = ""
        self.trailers: Sequence[tuple[str, bytes]] = ()
        self.broken: Exception | None = None
        self._peer = peer

    def peer(self) -> str:
        return self._peer

    async def read(self) -> object:
        return self.requests.pop(0) if self.requests else grpc.aio.EOF

    async def write(self, message: object) -> None:
        await self.may_send.wait()
        self.sent.append(message)

    async def abort(self, code: grpc.StatusCode, message: str, trailers: Sequence[tuple[str, bytes]] = ()) -> None:
        if self.broken is not None:
            raise self.broken
        self.code, self.message, self.trailers = code, message, trailers
        raise Aborted
