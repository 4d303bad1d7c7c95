"""Freed memory goes back to the system."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

import numpy as np
import pytest

from framewatch_server.rpc.freed_memory import FreedMemory, kept_bytes
from framewatch_server.vision.pixels.allocator import allocated_bytes, give_back_memory

MIB = 1024 * 1024


class EndOfSizes(Exception):
    """Ends the loop."""


class Process:
    """A process that keeps a row of sizes in MiB, each for one look; ends the loop after the last."""

    def __init__(self, sizes: Sequence[int]) -> None:
        self._sizes = iter(sizes)
        self.given_back_at = list[int]()
        self._size = 0

    def kept(self) -> int:
        """Returns the next size in bytes."""
        try:
            self._size = next(self._sizes)
        except StopIteration:
            raise EndOfSizes from None
        return self._size * MIB

    def give_back(self) -> None:
        """Keeps the size at which it was called."""
        self.given_back_at.append(self._size)


@pytest.mark.parametrize(
    ("sizes", "at"),
    [
        pytest.param([500, 500, 510, 520], [], id="steady"),
        pytest.param([500, 563], [], id="too little"),
        pytest.param([500, 564, 510, 520], [564], id="freed"),
        pytest.param([500, 564, 564, 564, 620, 628, 628, 628], [564, 628], id="can't be given back, and more comes"),
        pytest.param([500, 400, 470, 400], [470], id="more since there was less"),
    ],
)
async def test_it_is_given_back_when_much_has_gathered(sizes: Sequence[int], at: Sequence[int]) -> None:
    process = Process(sizes)
    with contextlib.suppress(EndOfSizes):
        await FreedMemory(process.kept, process.give_back, interval_s=0.0).run()
    assert process.given_back_at == at


async def test_a_look_that_fails_is_not_the_last() -> None:
    process, failures = Process([500, 564, 500]), [OSError(24, "Too many open files")] * 2

    def kept() -> int:
        if failures:
            raise failures.pop()
        return process.kept()

    with contextlib.suppress(EndOfSizes):
        await FreedMemory(kept, process.give_back, interval_s=0.0).run()
    assert process.given_back_at == [564]


@pytest.mark.skipif(allocated_bytes() is None, reason="the C library can't tell")
def test_freed_blocks_are_seen_and_given_back() -> None:
    blocks = [np.ones(8192) for _ in range(2_500)]  # 64 KB each, which glibc doesn't map one by one
    used = kept_bytes()
    del blocks[::2]
    freed = kept_bytes()
    assert freed - used > 50_000_000
    give_back_memory()
    assert freed - kept_bytes() > 50_000_000
    assert len(blocks) == 1_250
