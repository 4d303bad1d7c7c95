"""A stream as the caller sees it: a window of frames on the way, and their outcomes in order, over one or more calls.

One task reads the source (`producer`), one for each call sends (`exchange`), and the caller's own task reads responses
(`link`). A slow server, caller or source slows the others down, since a frame is read only when the window has room.
Frames without an outcome are kept (`outbox`): when the connection is lost, the next call sends them again.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterable, Iterable

import anyio

from framewatch_client._streaming.feed import Feed, RequestEncoder
from framewatch_client._streaming.link import Endpoint, Link
from framewatch_client._streaming.outbox import Outbox
from framewatch_client._streaming.producer import Producer
from framewatch_client.errors import FramewatchCallError
from framewatch_client.options import SendOptions, StreamOptions
from framewatch_client.types import StreamItem
from framewatch_core.stream.config import StreamConfig
from framewatch_core.stream.messages import Explanation, StreamResult, StreamStarted
from framewatch_core.stream.results import FrameResult
from framewatch_wire.config import config_to_proto

DEFAULT_WINDOW = 8
"""Frames on the way if neither the server nor the caller limits them."""


async def stream_frames(
    endpoint: Endpoint,
    frames: Iterable[StreamItem] | AsyncIterable[StreamItem],
    config: StreamConfig,
    options: StreamOptions,
) -> AsyncGenerator[StreamResult, None]:
    """Yields outcomes and events, in the server's order; see `AsyncFramewatchClient.stream`."""
    outbox = Outbox(config_to_proto(config))
    link = Link(endpoint, outbox, options)
    producer: Producer | None = None
    try:
        started = await link.open(endpoint.start_timeout_s)
        if options.notify.on_started is not None:
            options.notify.on_started(started)
        encoder = _encoder(config, options.send, started)
        window = _window(started.in_flight_frame_count, options.send.window)
        producer = Producer(Feed(frames, encoder), outbox, window)
        while (response := await link.read()) is not None:
            item = link.take(response)
            if isinstance(item, Explanation):
                encoder.answer_explain(item)
            elif item is not None:
                if isinstance(item, FrameResult):
                    producer.make_room()
                yield item
        producer.check_complete()
    except FramewatchCallError:
        endpoint.closing.check()  # a client that was closed: gRPC has several errors for its calls
        raise
    finally:
        if endpoint.closing.is_here:  # else the call and the tasks are the parent's
            with anyio.CancelScope(shield=True):
                await link.aclose()
                if producer is not None:
                    await producer.aclose()


def _encoder(config: StreamConfig, options: SendOptions, started: StreamStarted) -> RequestEncoder:
    return RequestEncoder(
        config,
        short_side=started.useful_short_side if options.downscale else None,
        jpeg_quality=options.jpeg_quality,
        max_image_bytes=started.max_image_bytes,
        last_frame_id=None if options.resume is None else options.resume.last_frame_id,
    )


def _window(server_count: int, own_count: int | None) -> int:
    """Returns the number of frames on the way at most: the smaller of the server's and the caller's limits."""
    counts = [count for count in (server_count, own_count) if count]
    return min(counts, default=DEFAULT_WINDOW)
