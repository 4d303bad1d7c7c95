"""Attacks by streams: clients that send and don't read, ask for too much, leave, or take over."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator

import numpy as np
from google.protobuf.duration_pb2 import Duration

from framewatch.v1 import framewatch_pb2 as pb
from framewatch_bench.hostile.files import NAMES, damaged, grey_png, honest_files, hostile_file
from framewatch_bench.hostile.requests import (
    Request,
    config,
    frame,
    frames,
    heavy_config,
    regions,
    wrong_configs,
    wrong_frames,
)
from framewatch_bench.hostile.target import CALL_TIMEOUT_S, StreamCall, Target, quietly

_HELD_S = 5.0


async def hostile_frames(target: Target) -> None:
    """Streams every hostile file, and files that a bad line has damaged."""
    broken = [damaged(honest_files()[number % 4], target.rng) for number in range(60)]
    files = [*(hostile_file(name) for name in NAMES), *broken]
    async with target.stub() as stub:
        await target.read_all(stub.StreamFrames(_sent([config(), *frames(files, len(files))]), timeout=CALL_TIMEOUT_S))


async def wrong_fields(target: Target) -> None:
    """Streams configs and frames whose fields are out of their ranges."""
    async with target.stub() as stub:
        for first in wrong_configs():
            await target.read_all(stub.StreamFrames(_sent([first, *wrong_frames()]), timeout=CALL_TIMEOUT_S))
        for second in wrong_configs():
            requests = [config(), frame(0, honest_files()[0]), second, frame(1, honest_files()[0])]
            await target.read_all(stub.StreamFrames(_sent(requests), timeout=CALL_TIMEOUT_S))


async def unread_scores(target: Target) -> None:
    """Sends frames of 16 regions × 1000 labels on 3 streams and reads nothing; then leaves."""
    requests = [config(1000, regions=regions(16)), *frames([grey_png(32, 32)], 400)]
    await send_unread(target, requests, streams=3)


async def unread_pictures(target: Target) -> None:
    """Sends large frames on 6 streams and reads nothing; then leaves."""
    large = honest_files()[0] + bytes(8_000_000)
    await send_unread(target, [config(), *frames([large], 20)], streams=6)


async def costly_scores(target: Target) -> None:
    """Streams tiny pictures, the same ones again and again, with as many scores of each as are allowed."""
    async with target.stub() as stub:
        refused = [config(1000, regions=regions(64)), *frames([grey_png(16, 16)], 3)]
        await target.read_all(stub.StreamFrames(_sent(refused), timeout=CALL_TIMEOUT_S))
        allowed = [config(256, regions=regions(64)), *frames([grey_png(16, 16)], 60)]
        await target.read_all(stub.StreamFrames(_sent(allowed), timeout=CALL_TIMEOUT_S))


async def large_regions(target: Target) -> None:
    """Streams a file of a few KB with 12 MP and 64 regions."""
    async with target.stub() as stub:
        requests = [config(2, regions=regions(64, side=0.5)), *frames([grey_png(4000, 3000)], 2)]
        await target.read_all(stub.StreamFrames(_sent(requests), timeout=CALL_TIMEOUT_S))


async def abandoned_configs(target: Target) -> None:
    """Starts 4 streams with configs of 48 MB, and leaves before anything comes back."""
    first = heavy_config(1000, 16)
    async with target.stub() as stub:
        calls = [stub.StreamFrames(timeout=CALL_TIMEOUT_S) for _ in range(4)]
        sending = [asyncio.ensure_future(_send(call, [first])) for call in calls]
        await asyncio.wait(sending, timeout=_HELD_S)
        await _leave(target, calls, sending)


async def takeovers(target: Target) -> None:
    """Loses a stream and resumes it again and again, from several sides at once, and guesses tokens."""
    async with target.stub() as stub:
        token = ""
        for number in range(12):
            guesses = [token, token, target.rng.bytes(16).hex(), "0" * 1000]
            calls = [stub.StreamFrames(timeout=CALL_TIMEOUT_S) for _ in guesses]
            started = await asyncio.gather(
                *(_resume(target, call, guess, number) for call, guess in zip(calls, guesses, strict=True))
            )
            token = next((each for each in started if each), token)
            for call in calls:
                call.cancel()


async def _resume(target: Target, call: StreamCall, token: str, number: int) -> str:
    """Starts a stream that resumes another, and sends a frame; returns its own token."""
    given = []

    async def talk() -> None:
        rules = [pb.EventRule(id="r", label="label 0", enter_at=0.5, trail_count=100)]
        resume = pb.Resume(token=token, last_frame_id=max(0, number - 1)) if token else None
        await call.write(config(rules=rules, resume=resume))
        started = await call.read()
        if isinstance(started, pb.StreamFramesResponse):
            given.append(started.started.resume_token)
        await call.write(frame(number, honest_files()[0]))
        await call.read()

    await target.count(talk())
    return given[0] if given else ""


async def resets(target: Target) -> None:
    """Opens 200 streams and leaves each at once."""
    async with target.stub() as stub:
        for number in range(200):
            call = stub.StreamFrames(timeout=CALL_TIMEOUT_S)
            if number % 3:
                await quietly(call.write(config()))
            if number % 3 == 2:
                await quietly(call.read())
            call.cancel()
            target.statuses["CANCELLED"] += 1


async def changing_configs(target: Target) -> None:
    """Changes labels, regions and rules before every frame."""

    def requests() -> Iterator[Request]:
        for number in range(60):
            rule = pb.EventRule(id="r", label="label 0", region_id=f"r{number % 2}", enter_at=0.5, trail_count=100)
            yield config(2 + number % 3, regions=regions(2), rules=[rule], max_frame_rate=float(1 + number % 5))
            yield frame(number, damaged_picture(target.rng), time_offset=Duration(seconds=number))

    async with target.stub() as stub:
        await target.read_all(stub.StreamFrames(_sent(requests()), timeout=CALL_TIMEOUT_S))


async def stream_all(target: Target, requests: Iterable[Request]) -> None:
    """Sends requests on a stream of its own, and reads to its end."""
    async with target.stub() as stub:
        await target.read_all(stub.StreamFrames(_sent(requests), timeout=CALL_TIMEOUT_S))


async def send_unread(target: Target, requests: Iterable[Request], *, streams: int, seconds: float = _HELD_S) -> None:
    """Sends the same on several streams, reads nothing, and leaves after some seconds."""
    async with target.stub() as stub:
        calls = [stub.StreamFrames(timeout=CALL_TIMEOUT_S) for _ in range(streams)]
        sending = [asyncio.ensure_future(_send(call, requests)) for call in calls]
        await asyncio.sleep(seconds)
        await _leave(target, calls, sending)


def damaged_picture(rng: np.random.Generator) -> bytes:
    """Returns an honest file, or a broken one."""
    return damaged(honest_files()[0], rng) if rng.random() < 0.3 else honest_files()[0]


async def _sent(requests: Iterable[Request]) -> AsyncIterator[Request]:
    for request in requests:
        yield request


async def _send(call: StreamCall, requests: Iterable[Request]) -> None:
    for request in requests:
        await call.write(request)


async def _leave(target: Target, calls: Iterable[StreamCall], sending: Iterable[asyncio.Future[None]]) -> None:
    """Cancels calls without having read anything, and counts a status that had come by then."""
    for call in calls:
        ended = call.done()
        call.cancel()
        target.statuses[str((await call.code()).name) if ended else "CANCELLED"] += 1
    await quietly(*sending)
