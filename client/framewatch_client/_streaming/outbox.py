"""What a stream has to send, kept until it is answered: a connection that is lost loses nothing."""

from __future__ import annotations

import asyncio
from collections import deque

from framewatch.v1 import framewatch_pb2 as pb
from framewatch_core.stream.resume import ResumePoint


class Outbox:
    """Frames without a result, and what lies between them, in order; every connection sends them from the first on.

    Attributes:
        config: counts for the first of them.
        config_version: how many configs there were up to it.
        frame_count: how many frames are in it.

    """

    def __init__(self, config: pb.StreamConfig) -> None:
        self.config = config
        self.config_version = 1
        self.frame_count = 0
        self._requests: deque[pb.StreamFramesRequest] = deque()
        self._sent_count = 0
        self._closed = False
        self._changed = asyncio.Event()

    def add(self, request: pb.StreamFramesRequest) -> None:
        """Puts a request at the end."""
        self._requests.append(request)
        self.frame_count += request.HasField("frame")
        self._changed.set()

    def close(self) -> None:
        """Nothing more is added."""
        self._closed = True
        self._changed.set()

    @property
    def closed(self) -> bool:
        """Whether nothing more is added."""
        return self._closed

    def first_request(self, point: ResumePoint | None) -> pb.StreamFramesRequest:
        """What a connection begins with, before `next`: the config, and which stream it goes on from."""
        self._sent_count = 0
        request = pb.StreamFramesRequest(config=self.config)
        if point is not None:
            resume = pb.Resume(token=point.token, last_frame_id=point.last_frame_id, last_event_id=point.last_event_id)
            request.config.resume.CopyFrom(resume)
        return request

    async def next(self) -> pb.StreamFramesRequest | None:
        """What the connection has to send next; None: it has sent all there will be."""
        while self._sent_count == len(self._requests):
            if self._closed:
                return None
            self._changed.clear()
            await self._changed.wait()
        self._sent_count += 1
        return self._requests[self._sent_count - 1]

    def answer_explain(self) -> None:
        """The first explain has its answer: all before it has its own, so that only configs may be."""
        for i, request in enumerate(self._requests):
            if request.HasField("explain"):
                del self._requests[i]
                self._sent_count = max(0, self._sent_count - 1)
                return

    def answer(self) -> bool:
        """The first frame has its result. Returns False if there was none to have one."""
        while self.frame_count:
            request = self._requests.popleft()
            self._sent_count = max(0, self._sent_count - 1)
            if request.HasField("frame"):
                self.frame_count -= 1
                return True
            if request.HasField("config"):
                self.config = request.config
                self.config_version += 1
        return False
