"""All attacks, and a process that runs them.

`python -m framewatch_bench.hostile.attacks ADDRESS SECONDS SEED [NAME]`
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import IO, TypeAlias

import numpy as np

from framewatch_bench.hostile import calls, connections, streams
from framewatch_bench.hostile.target import Target
from framewatch_bench.options import BenchError

Attack: TypeAlias = Callable[[Target], Awaitable[None]]

ATTACKS: Mapping[str, Attack] = {
    "hostile files": calls.hostile_files,
    "damaged files": calls.damaged_files,
    "hostile frames": streams.hostile_frames,
    "wrong fields": streams.wrong_fields,
    "garbage": calls.garbage,
    "too many entries": calls.too_many_entries,
    "cancelled texts": calls.cancelled_texts,
    "a large label set": calls.large_label_set,
    "large requests": calls.large_requests,
    "unread scores": streams.unread_scores,
    "unread pictures": streams.unread_pictures,
    "costly scores": streams.costly_scores,
    "64 regions at 12 MP": streams.large_regions,
    "abandoned configs": streams.abandoned_configs,
    "takeovers": streams.takeovers,
    "resets": streams.resets,
    "changing configs": streams.changing_configs,
    "health watches": connections.health_watches,
}
"""Attacks that end by themselves within seconds; they run by turns, a few at once."""


def chosen_attacks(names: Sequence[str]) -> tuple[str, ...]:
    """Returns the names, or all of ATTACKS if there are none. Raises BenchError if one is unknown."""
    for name in names:
        if name not in ATTACKS:
            raise BenchError(f"no attack has the name {name!r}: expected one of {', '.join(ATTACKS)}")
    return tuple(names or ATTACKS)


_LINGERING: Mapping[str, Attack] = {"vanishing clients": connections.vanishing_clients}
"""Attacks that wait most of the time; each runs beside the others."""

_AT_ONCE = 2
_NICE = 10  # their work would be on other machines: the server goes first


async def attack(
    address: str, seconds: float, seed: int, only: str | None, report: Callable[[dict[str, object]], None]
) -> None:
    """Attacks a server for so long, by turns; what is under way then is cancelled.

    Args:
        address: HOST:PORT.
        seconds: length.
        seed: of all chance.
        only: name of the one attack that is repeated; None: all of them.
        report: called after each attack with its name, its length in seconds, and its statuses and outcomes by name.

    """
    rng = np.random.default_rng(seed)
    order: list[str] = []

    async def run(name: str, function: Attack) -> None:
        target = Target(address, np.random.default_rng(rng.integers(2**60)))
        began = time.perf_counter()
        try:
            await function(target)
        finally:
            lasted = round(time.perf_counter() - began, 2)
            report({"attack": name, "seconds": lasted, "statuses": target.statuses, "outcomes": target.outcomes})

    async def take_turns() -> None:
        while True:
            if not order:
                order.extend([only] if only else rng.permutation(list(ATTACKS)).tolist())
            name = order.pop()
            await run(name, ATTACKS[name])

    async def repeat(name: str, function: Attack) -> None:
        while True:
            await run(name, function)

    working = [take_turns() for _ in range(_AT_ONCE)]
    if only is None:
        working += [repeat(*each) for each in _LINGERING.items()]
    tasks = [asyncio.ensure_future(work) for work in working]
    done, _ = await asyncio.wait(tasks, timeout=seconds, return_when=asyncio.FIRST_EXCEPTION)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    for task in done:
        task.result()


def main() -> None:
    """Attacks, and prints a line of JSON per attack."""
    address, seconds, seed, *names = sys.argv[1:]
    os.nice(_NICE)
    only = names[0] if names else None
    asyncio.run(attack(address, float(seconds), int(seed), only, _print))


def _print(row: dict[str, object]) -> None:
    print(json.dumps(row), flush=True)  # noqa: T201


@contextmanager
def attacking(address: str, seconds: float, *, seed: int = 0, only: str | None = None) -> Iterator[IO[str]]:
    """Attacks from a process of its own, so that other clients are not held up by what the hostile ones compute.

    Yields its lines of JSON; stops it in the end.
    """
    names = [] if only is None else [only]
    command = [sys.executable, "-m", __name__, address, str(seconds), str(seed), *names]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603 our own command
        if process.stdout is None:
            raise AssertionError
        try:
            yield process.stdout
        finally:
            process.terminate()


if __name__ == "__main__":
    main()
