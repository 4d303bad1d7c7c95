"""The requests of a stream, kept until they are answered: a connection that is lost loses nothing."""

from __future__ import annotations

import asyncio
from collections import deque

from framewatch.v1 import framewatch_pb2 as pb
from framewatch_core.resume_point import ResumePoint
from framewatch_wire.config import resume_point_to_proto


class Outbox:
    """Frames without a result and the requests between them, in order; each connection sends them from the first on.

    Attributes:
        config: the config that applies to the first of them.
        config_version: how many configs the stream had, up to that one.
        frame_count: how many frames wait for their results.

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
        self._sent_count += 1
        return self._requests[self._sent_count - 1]

    def answer_explain(self) -> None:
        """Removes the first Explain, which has its answer. The frames before it have theirs: configs may remain."""
        for i, request in enumerate(self._requests):
            if request.HasField("explain"):
                del self._requests[i]
                self._sent_count = max(0, self._sent_count - 1)
                return

    def answer(self) -> bool:
        """Removes the first frame, which has its result, and all before it. Returns False if there is no frame."""
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
