"""The sending side of a stream: its source is read while the window has room."""

from __future__ import annotations

import asyncio

from framewatch_client._call_errors import ended_early
from framewatch_client._streaming.feed import Feed
from framewatch_client._streaming.outbox import Outbox
from framewatch_client.errors import SourceError


class Producer:
    """A task that moves requests from a feed to the outbox.

    A frame takes a place in the window before it is read from its source, and gives it back when the caller has its
    outcome. Nothing is read while the outbox has no room. Its state: the places that are free, and the error of the
    source, which is raised after the results of the frames before it.
    """

    _room: asyncio.Semaphore
    _fault: BaseException | None

    def __init__(self, feed: Feed, outbox: Outbox, window: int) -> None:
        """Starts the task. `window`: frames without an outcome at most, at least 1."""
        self._feed = feed
        self._outbox = outbox
        self._room = asyncio.Semaphore(window)
        self._fault = None
        self._task = asyncio.create_task(self._produce(), name="framewatch-producer")

    async def _produce(self) -> None:
        try:
            while await self._produce_frame():
                pass
        except asyncio.CancelledError as fault:
            if self._task.cancelling():
                raise
            # the source waited for something that was cancelled: the caller was not, and must not look as if
            self._fault = SourceError(
                "the frames' source raised CancelledError: something that it waits for was cancelled"
            )
            self._fault.__cause__ = fault
        except BaseException as fault:  # a source that calls sys.exit must not end the client's loop
            self._fault = fault
        self._outbox.close()

    async def _produce_frame(self) -> bool:
        """Moves one frame, and what comes before it. Returns False at the end of the source."""
        await self._room.acquire()
        await self._outbox.room()
        while (request := await self._feed.next_request()) is not None:
            self._outbox.add(request)
            if request.HasField("frame"):
                return True
            await self._outbox.room()
        return False

    def make_room(self) -> None:
        """Gives back the place of a frame that has its outcome."""
        self._room.release()

    def check_complete(self) -> None:
        """Raises the source's error, or an error if the server ended the stream before its last result."""
        if self._outbox.frame_count:
            raise ended_early(f"while {self._outbox.frame_count} frames had no result yet")
        if self._fault is not None:
            raise self._fault
        if not self._outbox.closed:
            raise ended_early("while there were frames to send")

    async def aclose(self) -> None:
        """Stops reading and releases the source."""
        self._task.cancel()
        await asyncio.wait({self._task})
        await self._feed.aclose()
