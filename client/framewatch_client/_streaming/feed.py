"""The caller's source as requests, read and encoded off the event loop."""

from __future__ import annotations

import logging
import math
from collections import deque
from collections.abc import AsyncIterable, Callable, Iterable, Iterator
from dataclasses import replace
from typing import Any, Final

from framewatch.v1 import framewatch_pb2 as pb
from framewatch_client._images import check_bytes, to_stream_message
from framewatch_client._inputs import event_rules, finite_ns, label_set, stream_regions
from framewatch_client._threads import WorkerThread
from framewatch_client.errors import InvalidValue
from framewatch_client.types import Explain, Frame, Reconfigure, StreamItem
from framewatch_core.images.regions import least_shares
from framewatch_core.stream.config import StreamConfig
from framewatch_core.stream.messages import Explanation
from framewatch_wire.config import config_to_proto
from framewatch_wire.frames import frame_to_proto

RELEASE_GRACE_S = 2.0
"""The longest wait of a stream's end for a source that is being read."""

MAX_FRAME_ID: Final = 2**64 - 1

_END: Final = object()
_logger = logging.getLogger(__name__)


class RequestEncoder:
    """Encodes items of a source as requests: numbers frames, shrinks them, keeps the config that later ones build on.

    Its state: the config that applies to the next frame, the largest frame number so far, and the Explains that have no
    answer yet, in order.
    """

    _config: StreamConfig
    _last_id: int
    _explains: deque[Explain]

    def __init__(
        self,
        config: StreamConfig,
        *,
        short_side: int | None,
        jpeg_quality: int | None,
        max_image_bytes: int,
        last_frame_id: int | None = None,
    ) -> None:
        """Creates the encoder of one stream.

        Args:
            config: the first one.
            short_side: see `to_stream_message`; for the first config's regions.
            jpeg_quality: see `to_stream_message`.
            max_image_bytes: see `check_bytes`.
            last_frame_id: frames are numbered on from it; None: from 0.

        """
        self._config = config
        self._last_id = -1 if last_frame_id is None else last_frame_id
        self._explains = deque()
        self._short_side = short_side
        self._first_share = min(least_shares(config.viewed_regions))
        self._jpeg_quality = jpeg_quality
        self._max_image_bytes = max_image_bytes

    def encode(self, item: StreamItem) -> pb.StreamFramesRequest:
        """Returns the request for an item. Raises the errors of its image, labels or rules."""
        if isinstance(item, Reconfigure):
            return pb.StreamFramesRequest(config=self._new_config(item))
        if isinstance(item, Explain):
            self._explains.append(item)
            return pb.StreamFramesRequest(explain=pb.Explain())
        return pb.StreamFramesRequest(frame=self._frame(_as_frame(item)))

    def answer_explain(self, explanation: Explanation) -> None:
        """Hands the answer to the first Explain; an answer without a question is ignored."""
        if self._explains:
            self._explains.popleft().on_answer(explanation)

    def _new_config(self, item: Reconfigure) -> pb.StreamConfig:
        before = self._config
        self._config = replace(
            before,
            label_set=label_set(item.labels, item.templates),
            rules=event_rules(item.rules),
            regions=before.regions if item.regions is None else stream_regions(item.regions),
            health=item.health or before.health,
        )
        return config_to_proto(self._config)

    @property
    def _needed_short_side(self) -> int | None:
        """Pixels of a frame's shorter side that the server needs, from its number for the first config's regions."""
        if self._short_side is None:
            return None
        return math.ceil(self._short_side * (self._first_share / min(least_shares(self._config.viewed_regions))))

    def _frame(self, frame: Frame) -> pb.Frame:
        frame_id = self._last_id + 1 if frame.frame_id is None else frame.frame_id
        if not 0 <= frame_id <= MAX_FRAME_ID:
            raise InvalidValue(f"a frame's frame_id is {frame_id}: expected 0 to {MAX_FRAME_ID}")
        self._last_id = max(self._last_id, frame_id)
        image = to_stream_message(frame.image, short_side=self._needed_short_side, jpeg_quality=self._jpeg_quality)
        check_bytes(image, self._max_image_bytes)
        time_ns = None if frame.time_s is None else _frame_time_ns(frame.time_s)
        return frame_to_proto(frame_id, time_ns, image)


class Feed:
    """Reads a source item by item and never ahead, on a thread of its own unless the source is asynchronous."""

    def __init__(self, frames: Iterable[StreamItem] | AsyncIterable[StreamItem], encoder: RequestEncoder) -> None:
        self._encoder = encoder
        self._async_items = aiter(frames) if isinstance(frames, AsyncIterable) else None
        self._items: Iterator[StreamItem] = iter(()) if isinstance(frames, AsyncIterable) else iter(frames)
        self._thread = WorkerThread("framewatch-feed")

    async def next_request(self) -> pb.StreamFramesRequest | None:
        """Returns the next request; None: the source has ended. Raises the source's errors."""
        if self._async_items is None:
            return await self._thread.call(self._read_and_encode)
        item: Any = await anext(self._async_items, _END)
        return None if item is _END else await self._thread.call(lambda: self._encoder.encode(item))

    def _read_and_encode(self) -> pb.StreamFramesRequest | None:
        item: Any = next(self._items, _END)
        return None if item is _END else self._encoder.encode(item)

    async def aclose(self) -> None:
        """Closes the source's iterator, if it can be closed (generators can), and ends the thread."""
        if self._async_items is not None and hasattr(self._async_items, "aclose"):
            await self._async_items.aclose()
        close: Callable[[], object] = getattr(self._items, "close", lambda: None)
        if not await self._thread.aclose(close, RELEASE_GRACE_S):
            _logger.warning("the frames' source still blocks %.0f s after the stream has ended", RELEASE_GRACE_S)


def _as_frame(item: Frame | Any) -> Frame:
    if isinstance(item, Frame):
        return item
    return Frame(*item) if isinstance(item, tuple) else Frame(item)


def _frame_time_ns(time_s: float) -> int:
    time_ns = finite_ns("a frame's time", time_s)
    if time_ns < 0:
        raise InvalidValue(f"a frame's time is {time_s:g} s: expected 0 or more, counted from an origin of your choice")
    return time_ns
