"""Frames with many scores: scored and written on another thread than the event loop's, so that nobody waits for them.

The thread takes one piece of work after the other. A stream has at most one scoring and one writing in its queue, so
streams take turns.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, TypeVar

from framewatch.v1 import framewatch_pb2 as pb
from framewatch_core.labels.label_scores import FEW_SCORES
from framewatch_core.stream.results import FrameResult
from framewatch_wire.responses import response_to_proto
from framewatch_wire.results import large_frame_result_to_bytes

LARGE = 1024
"""Scores from which on a frame is large: with fewer, the event loop takes about half a millisecond for it."""

ValueT = TypeVar("ValueT")


class ScoreThread:
    """The thread for all streams; used from the event loop."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(1, "scores")

    def run(self, work: Callable[[], ValueT]) -> asyncio.Future[ValueT]:
        """Returns the result of a piece of work."""
        return asyncio.get_running_loop().run_in_executor(self._pool, work)

    async def write(self, result: FrameResult) -> pb.StreamFramesResponse | bytes:
        """Returns a result as a response, which is serialised unless it has few scores."""
        regions = result.regions
        count = len(regions) * len(regions[0].scores) if regions else 0
        if count <= FEW_SCORES:
            return response_to_proto(result)
        if count < LARGE:
            return large_frame_result_to_bytes(result)
        return await self.run(partial(large_frame_result_to_bytes, result))


class LargeFrames:
    """The frames of one stream that wait for the thread."""

    def __init__(self, thread: ScoreThread) -> None:
        self._thread = thread
        self._waiting: deque[tuple[Callable[[], Any], Callable[[Any], None]]] = deque()
        self._under_way: asyncio.Future[Any] | None = None

    def add(self, score: Callable[[], ValueT], done: Callable[[ValueT | Exception], None]) -> None:
        """Scores a frame after those that wait.

        Args:
            score: returns its scores; called on the thread.
            done: takes them, or the error; called in the event loop.

        """
        self._waiting.append((score, done))
        self._start_next()

    def clear(self) -> None:
        """Forgets all frames."""
        self._waiting.clear()
        self._under_way = None

    def _start_next(self) -> None:
        if self._under_way is None and self._waiting:
            score, done = self._waiting.popleft()
            self._under_way = self._thread.run(score)
            self._under_way.add_done_callback(partial(self._finish, done))

    def _finish(self, done: Callable[[Any], None], future: asyncio.Future[Any]) -> None:
        error = None if future.cancelled() else future.exception()
        if future is not self._under_way:
            return  # forgotten
        self._under_way = None
        self._start_next()
        done(future.result() if error is None else error)
