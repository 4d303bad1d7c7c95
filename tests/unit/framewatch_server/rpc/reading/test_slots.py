"""Turns of the calls whose requests are read."""

from __future__ import annotations

import asyncio

import pytest

from framewatch_server.rpc.reading.slots import ReadingSlots


class Reader:
    """A call that holds its place until it is told to end."""

    def __init__(self, slots: ReadingSlots, peer: str) -> None:
        self.reads = False
        self._end = asyncio.Event()
        self.task = asyncio.create_task(self._run(slots, peer))

    async def _run(self, slots: ReadingSlots, peer: str) -> None:
        async with slots.taken(peer):
            self.reads = True
            await self._end.wait()

    async def end(self) -> None:
        self._end.set()
        await self.task
        await settle()


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def readers(slots: ReadingSlots, *peers: str) -> list[Reader]:
    found = [Reader(slots, peer) for peer in peers]
    await settle()
    return found


def reading(found: list[Reader]) -> list[bool]:
    return [reader.reads for reader in found]


async def test_one_address_has_half_of_the_places_and_waits_for_more() -> None:
    slots = ReadingSlots(4)
    first = await readers(slots, *(f"ipv4:10.0.0.1:{port}" for port in range(4)))
    assert reading(first) == [True, True, False, False]
    others = await readers(slots, "ipv4:10.0.0.2:1", "ipv4:10.0.0.3:1", "ipv4:10.0.0.4:1")
    assert reading(others) == [True, True, False], "no place is free"
    await first[0].end()
    assert reading(first) == [True, True, True, False], "in the order in which they came"
    assert reading(others) == [True, True, False]
    await others[0].end()
    assert reading(others) == [True, True, True], "the first address has its share"
    for reader in (*first[1:], *others[1:]):
        await reader.end()
    assert all(reading(first))
    assert not slots._taken
    assert not slots._waiting


async def test_one_place_is_everyones() -> None:
    slots = ReadingSlots(1)
    found = await readers(slots, "unix:", "ipv6:[::1]:5")
    assert reading(found) == [True, False]
    await found[0].end()
    assert reading(found) == [True, True]
    await found[1].end()


@pytest.mark.parametrize("given", [False, True], ids=["while it waits", "just as it is given a place"])
async def test_who_is_cancelled_leaves_no_place_taken(given: bool) -> None:
    slots = ReadingSlots(2)
    found = await readers(slots, "ipv4:a:1", "ipv4:a:2")
    assert reading(found) == [True, False]
    if given:
        found[0]._end.set()
        await found[0].task
    found[1].task.cancel()
    await asyncio.gather(found[1].task, return_exceptions=True)
    if not given:
        await found[0].end()
    assert (slots._free, len(slots._waiting)) == (2, 0)
    assert not slots._taken


async def test_a_place_is_wanted_by_those_who_would_get_it() -> None:
    slots = ReadingSlots(4)
    found = await readers(slots, *(f"ipv4:10.0.0.1:{port}" for port in range(2)), "ipv4:10.0.0.2:1")
    assert not slots.is_wanted("ipv4:10.0.0.1:0")
    found += await readers(slots, "ipv4:10.0.0.1:9")
    assert slots.is_wanted("ipv4:10.0.0.1:0"), "by its own address, which has its share"
    assert not slots.is_wanted("ipv4:10.0.0.2:1"), "which would not get another's place"
    found += await readers(slots, "ipv4:10.0.0.2:2", "ipv4:10.0.0.3:1")
    assert slots.is_wanted("ipv4:10.0.0.2:1")
    for reader in found:
        await reader.end()
    assert not slots.is_wanted("ipv4:10.0.0.1:0")
