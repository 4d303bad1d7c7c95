"""The sending side of a stream: how far its source is read ahead."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from itertools import chain, repeat

import numpy as np
import pytest

from framewatch_client import Explain, Reconfigure, StreamItem, stream_config
from framewatch_client._streaming.feed import Feed, RequestEncoder
from framewatch_client._streaming.outbox import MAX_KEPT_EXPLAINS, Outbox
from framewatch_client._streaming.producer import Producer
from framewatch_wire.config import config_to_proto

CONFIG = stream_config(["a"])
GREY = np.full((8, 8), 128, dtype=np.uint8)
EXPLAIN = Explain(lambda _: None)


class Source:
    """Items that are counted as they are read."""

    def __init__(self, items: Iterator[StreamItem]) -> None:
        self.taken = 0
        self._items = items

    async def __aiter__(self) -> object:  # type: ignore[misc]
        for item in self._items:
            self.taken += 1
            yield item


async def until_kept(outbox: Outbox, count: int) -> None:
    """Returns when the outbox keeps so many requests, after some more turns of the loop."""
    while outbox.frame_count + outbox.explain_count < count:
        await asyncio.to_thread(lambda: None)
    for _ in range(20):
        await asyncio.to_thread(lambda: None)


@pytest.mark.parametrize(
    ("items", "max_bytes", "taken"),
    [
        pytest.param(repeat(EXPLAIN), 10**9, MAX_KEPT_EXPLAINS, id="explains"),
        pytest.param(repeat(GREY), 10**9, 4, id="frames"),
        pytest.param(repeat(GREY), 1, 1, id="frames of many bytes"),
        pytest.param(chain([GREY], repeat(EXPLAIN)), 1, 1, id="explains behind frames of many bytes"),
    ],
)
async def test_a_source_is_not_read_while_the_outbox_has_no_room(
    items: Iterator[StreamItem], max_bytes: int, taken: int
) -> None:
    outbox, source = Outbox(config_to_proto(CONFIG), max_bytes), Source(items)
    encoder = RequestEncoder(CONFIG, short_side=None, jpeg_quality=90, max_image_bytes=10**6)
    producer = Producer(Feed(source, encoder), outbox, window=4)  # type: ignore[arg-type]
    await until_kept(outbox, taken)
    assert source.taken == taken
    outbox.answer_explain()
    if outbox.answer():
        producer.make_room()
    await until_kept(outbox, taken)
    assert source.taken == taken + 1
    await producer.aclose()


async def test_configs_without_frames_are_read_on_and_do_not_pile_up() -> None:
    outbox, source = Outbox(config_to_proto(CONFIG), 1), Source(repeat(Reconfigure(["b"]), 500))
    encoder = RequestEncoder(CONFIG, short_side=None, jpeg_quality=90, max_image_bytes=10**6)
    producer = Producer(Feed(source, encoder), outbox, window=4)  # type: ignore[arg-type]
    while not outbox.closed:
        await asyncio.to_thread(lambda: None)
    assert source.taken == 500
    assert outbox.kept_bytes < 2 * encoder.encode(Reconfigure(["b"])).ByteSize()
    producer.check_complete()
    await producer.aclose()
