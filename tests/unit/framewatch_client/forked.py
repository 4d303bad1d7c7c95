"""A program that forks, for `test__forks`: prints how the child's use of a client ended.

`python -m tests.unit.framewatch_client.forked ADDRESS PARENT CHILD`
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from framewatch_client import AsyncFramewatchClient, FramewatchClient, FramewatchError

GREY = np.full((8, 8), 128, dtype=np.uint8)
ADDRESS = sys.argv[1]


def blocking_call(client: FramewatchClient | None) -> str:
    return (client or FramewatchClient(ADDRESS)).list_models()[0].name


def blocking_stream(client: FramewatchClient | None) -> str:
    return str(len(list((client or FramewatchClient(ADDRESS)).stream([GREY] * 3, ["a"]))))


def asynchronous_call(client: AsyncFramewatchClient | None) -> str:
    return asyncio.run((client or AsyncFramewatchClient(ADDRESS)).list_models())[0].name


def going_stream(stream: Any) -> str:
    return str(next(stream))


def going_asynchronous_stream(stream: Any) -> str:
    return str(asyncio.run(anext(stream)))


def nothing(client: object) -> str:
    del client
    return "nothing"


def fresh() -> None:
    return None


def unused() -> FramewatchClient:
    return FramewatchClient(ADDRESS)


def unused_asynchronous() -> AsyncFramewatchClient:
    return AsyncFramewatchClient(ADDRESS)


def used() -> FramewatchClient:
    client = FramewatchClient(ADDRESS)
    client.list_models()
    return client


def used_asynchronous() -> AsyncFramewatchClient:
    client = AsyncFramewatchClient(ADDRESS)
    asyncio.run(client.list_models())
    return client


def closed() -> None:
    used().close()


def forgotten() -> None:
    used()


def streaming() -> Any:
    stream = FramewatchClient(ADDRESS).stream([GREY] * 100, ["a"])
    next(stream)
    return stream


def streaming_asynchronously() -> Any:
    stream = AsyncFramewatchClient(ADDRESS).stream([GREY] * 100, ["a"])
    asyncio.new_event_loop().run_until_complete(anext(stream))
    return stream


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> None:
    _, _, parent, child = sys.argv
    before = globals()[parent]()
    use: Callable[[Any], str] = globals()[child]
    if os.fork():
        _, status = os.wait()
        say(f"status {os.waitstatus_to_exitcode(status)}")
        os._exit(0)
    try:
        say(use(before))
    except FramewatchError as error:
        say(error.reason)
    # an ordinary end: it must not wait for the parent's threads either


if __name__ == "__main__":
    main()
