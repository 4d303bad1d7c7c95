"""The requests of a stream, kept until they are answered: a connection that is lost loses nothing."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass
from typing import Final

from framewatch.v1 import framewatch_pb2 as pb
from framewatch_core.resume_point import ResumePoint
from framewatch_wire.config import resume_point_to_proto

MAX_KEPT_BYTES: Final = 128 * 1024 * 1024
"""Bytes of requests that wait for answers, from which on no more are taken; the last one may pass it."""

MAX_KEPT_EXPLAINS: Final = 64
"""Explains that wait for answers at most."""


@dataclass(frozen=True, slots=True)
class _Kept:
    """A request, its size in bytes, and how many configs the stream had up to it."""

    request: pb.StreamFramesRequest
    size: int
    config_version: int

    @property
    def kind(self) -> str | None:
        return self.request.WhichOneof("request")


class Outbox:
    """Frames without a result and the requests between them, in order; each connection sends them from the first on.

    What it keeps is bounded: there is room for a request only while those before it are few and small enough. A config
    right behind another one takes its place, since no frame was scored under that.

    Attributes:
        config: the config that applies to the first of them.
        config_version: how many configs the stream had, up to that one.
        frame_count: how many frames wait for their results.
        explain_count: how many Explains wait for their answers.
        kept_bytes: bytes of the requests.

    """

    def __init__(self, config: pb.StreamConfig, max_bytes: int = MAX_KEPT_BYTES) -> None:
        self.config = config
        self.config_version = 1
        self.frame_count = 0
        self.explain_count = 0
        self.kept_bytes = 0
        self._max_bytes = max_bytes
        self._last_version = 1
        self._requests: deque[_Kept] = deque()
        self._sent_count = 0
        self._sent_versions = [1]
        self._closed = False
        self._changed = asyncio.Event()
        self._room = asyncio.Event()

    def add(self, request: pb.StreamFramesRequest) -> None:
        """Puts a request at the end."""
        is_config = request.HasField("config")
        self._last_version += is_config
        self._requests.append(_Kept(request, request.ByteSize(), self._last_version))
        self._count(self._requests[-1], 1)
        self._drop_replaced_config(len(self._requests) - 2)
        self._changed.set()

    async def room(self) -> None:
        """Waits until there is room for a request. Only frames and Explains are waited for: configs have no answer."""
        while self._is_full:
            self._room.clear()
            await self._room.wait()

    @property
    def _is_full(self) -> bool:
        if self.explain_count >= MAX_KEPT_EXPLAINS:
            return True
        return self.kept_bytes >= self._max_bytes and self.frame_count + self.explain_count > 0

    def close(self) -> None:
        """Marks the end: no request is added after this."""
        self._closed = True
        self._changed.set()

    @property
    def closed(self) -> bool:
        """True if no more requests are added."""
        return self._closed

    def first_request(self, point: ResumePoint | None) -> pb.StreamFramesRequest:
        """Returns the first request of a new connection: the config, and the stream that it goes on from, if any.

        `next` begins again with the first request that has no answer.
        """
        self._sent_count = 0
        self._sent_versions = [self.config_version]
        request = pb.StreamFramesRequest(config=self.config)
        if point is not None:
            request.config.resume.CopyFrom(resume_point_to_proto(point))
        return request

    async def next(self) -> pb.StreamFramesRequest | None:
        """Returns the next request of the connection; None: all have been sent, and no more are added."""
        while self._sent_count == len(self._requests):
            if self._closed:
                return None
            self._changed.clear()
            await self._changed.wait()
        kept = self._requests[self._sent_count]
        self._sent_count += 1
        if kept.kind == "config":
            self._sent_versions.append(kept.config_version)
        return kept.request

    def answer_explain(self) -> None:
        """Removes the first Explain, which has its answer. The frames before it have theirs: configs may remain."""
        for i, kept in enumerate(self._requests):
            if kept.kind == "explain":
                self._remove(i)
                self._drop_replaced_config(i - 1)
                return

    def answer(self) -> bool:
        """Removes the first frame, which has its result, and all before it. Returns False if there is no frame."""
        while self.frame_count:
            kept = self._remove(0)
            if kept.kind == "frame":
                return True
            if kept.kind == "config":
                self.config = kept.request.config
                self.config_version = kept.config_version
        return False

    def version_of(self, sent_version: int) -> int:
        """Returns how many configs the stream had up to one that the server counts within its connection, from 1."""
        return self._sent_versions[min(max(sent_version, 1), len(self._sent_versions)) - 1]

    def _drop_replaced_config(self, index: int) -> None:
        """Removes the request at `index` if it is a config, and the next one is too."""
        if 0 <= index < len(self._requests) - 1:
            first, second = self._requests[index], self._requests[index + 1]
            if first.kind == second.kind == "config":
                self._remove(index)

    def _remove(self, index: int) -> _Kept:
        kept = self._requests[index]
        del self._requests[index]
        self._sent_count -= index < self._sent_count
        self._count(kept, -1)
        self._room.set()
        return kept

    def _count(self, kept: _Kept, change: int) -> None:
        self.frame_count += change * (kept.kind == "frame")
        self.explain_count += change * (kept.kind == "explain")
        self.kept_bytes += change * kept.size
