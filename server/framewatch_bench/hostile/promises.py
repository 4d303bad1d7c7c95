"""Promises about hostile clients: what their files and streams cost, and what others notice of them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass

import grpc
import numpy as np

from framewatch.v1 import framewatch_pb2 as pb
from framewatch.v1 import framewatch_pb2_grpc as pb_grpc
from framewatch_bench.frames import JpegFrames
from framewatch_bench.hostile.attacks import attacking
from framewatch_bench.hostile.files import NAMES, grey_png, hostile_file
from framewatch_bench.hostile.requests import config, frames, label_set, regions
from framewatch_bench.hostile.streams import send_unread, stream_all
from framewatch_bench.hostile.target import CALL_TIMEOUT_S, Target
from framewatch_bench.load.process import Use, peak_bytes, reset_peak
from framewatch_bench.load.simulation import LoadPlan, run_load
from framewatch_bench.options import DEMO, BenchError
from framewatch_bench.promise import Promise
from framewatch_bench.spawn import ServerProcess
from framewatch_server.config import ServerConfig
from framewatch_server.tables import print_line

_MB = 1e6
_LARGE = (8000, 6000)  # 48 MP, below the limit of 50
_LIMITS = ServerConfig()
_SETTLE_S = 0.5
_LARGE_PICTURES = 6
_TRIES = 3
_FIRST_ATTACK_S = 60.0
_MOST_STALL = 4.0


@dataclass(frozen=True, slots=True)
class HostileCheck:
    """Measurement of the promises.

    Attributes:
        frames: images of the other streams.
        seconds: length of each measurement.
        attacks: names of the attacks under which the delays of other streams are measured.

    """

    frames: JpegFrames
    seconds: float
    attacks: Sequence[str]

    def run(self, report: Callable[[str], None]) -> Iterator[Promise]:
        """Measures one promise after the other. `report` is called with the subject of each measurement."""
        report("hostile files")
        with ServerProcess("--model", DEMO, "--image-cache-bytes", "0") as server:
            yield from _files(server)
            report("64 regions")
            yield _regions(server)
        with ServerProcess("--model", DEMO) as server:
            report("unread scores")
            yield _unread(server, self.seconds)
            yield from self._stalls(server, report)

    def _stalls(self, server: ServerProcess, report: Callable[[str], None]) -> Iterator[Promise]:
        """Delays of other streams with each attack and without, by turns, since the machine's speed changes.

        A frame may take a decode thread for as long as the limits of pictures let it, so that the unit of what an
        attack adds to other streams' p99 is the time of such a frame alone, measured in the same turn.
        """
        plan = LoadPlan(streams=4, fps=5.0, seconds=self.seconds, warmup_s=1.0)
        for name in self.attacks:
            report(f"other streams without {name}, and with it")
            costly_ms = _costly_frame_ms(server)
            alone = asyncio.run(run_load(server.address, plan, self.frames))
            with attacking(server.address, 10 * self.seconds + _FIRST_ATTACK_S, only=name) as lines:
                lines.readline()  # the first attack is over, and others go on
                load = asyncio.run(run_load(server.address, plan, self.frames))
            is_whole = load.count("scores") == load.sent > 0
            with_ms, without_ms = load.latency_ms(99), alone.latency_ms(99)
            print_line(
                f"p99 {without_ms:.0f} ms without {name}, {with_ms:.0f} ms with it; a costly frame {costly_ms:.0f} ms"
            )
            added = (with_ms - without_ms) / costly_ms if is_whole else float("nan")
            yield Promise(f"{name}: p99 of others, more by costly frames", added, _MOST_STALL)


def _costly_frame_ms(server: ServerProcess) -> float:
    """Time of a frame of 12 MP with 64 regions on a server that has nothing else to do: the median of three."""
    times = []
    for shade in range(3):
        requests = [config(2, regions=regions(64, side=0.5)), *frames([grey_png(4000, 3000, shade)], 1)]
        began = time.perf_counter()
        asyncio.run(stream_all(Target(server.address, np.random.default_rng(0)), requests))
        times.append(time.perf_counter() - began)
    return float(np.median(times)) * 1000


def _files(server: ServerProcess) -> Iterator[Promise]:
    """Time and memory of the costliest file that has to be refused, or to be read without harm."""
    with grpc.insecure_channel(server.address, [("grpc.max_send_message_length", -1)]) as channel:
        stub = pb_grpc.ZeroShotServiceStub(channel)
        _answer_s(stub, grey_png(64, 64))
        honest_s = _answer_s(stub, grey_png(*_LARGE))
        time.sleep(_SETTLE_S)
        before = Use.of(server.pid).memory_bytes
        reset_peak(server.pid)
        slowest_s = float(np.max([_answer_s(stub, hostile_file(name)) for name in NAMES]))  # NaN if one is
    yield Promise("hostile files: slowest, of an honest 48 MP", slowest_s / honest_s, 1)
    yield Promise("hostile files: peak, MB more", (peak_bytes(server.pid) - before) / _MB, 200)


def _answer_s(stub: pb_grpc.ZeroShotServiceStub, file: bytes) -> float:
    """Seconds until a file is classified or refused, the least of a few times; NaN if it is neither."""
    request = pb.ClassifyRequest(image=pb.Image(encoded=file), label_set=label_set(2))
    times = []
    for _ in range(_TRIES):
        began = time.perf_counter()
        try:
            stub.Classify(request, timeout=CALL_TIMEOUT_S)
        except grpc.RpcError as error:
            if error.code() is grpc.StatusCode.INTERNAL:
                return float("nan")
        times.append(time.perf_counter() - began)
    return min(times)


def _regions(server: ServerProcess) -> Promise:
    """Peak memory of pictures of 48 MP with 64 regions, as large as allowed, on all decode threads."""
    width, height = _LARGE
    side = 0.99 * (_LIMITS.max_region_pixels / (64 * width * height)) ** 0.5
    pictures = [grey_png(width, height, shade) for shade in range(_LARGE_PICTURES)]
    requests = [config(2, regions=regions(64, side)), *frames(pictures, len(pictures))]
    growth, target = _peak_growth(server, lambda target: stream_all(target, requests))
    if target.outcomes["scores"] < len(pictures):
        raise BenchError(f"{len(pictures)} pictures of 48 MP were to be scored: {dict(target.outcomes)}")
    return Promise("64 regions at 48 MP: peak, of max_decoded_bytes", growth / _LIMITS.max_decoded_bytes, 1)


def _unread(server: ServerProcess, seconds: float) -> Promise:
    """Memory that clients hold who read none of the most scores that a frame may have."""
    labels = _LIMITS.max_scores_per_frame // 64
    requests = [config(labels, regions=regions(64)), *frames([grey_png(16, 16)], 400)]
    growth, _ = _peak_growth(server, lambda target: send_unread(target, requests, streams=8, seconds=seconds))
    return Promise(f"unread {labels} × 64: peak, of max_unsent_bytes", growth / _LIMITS.max_unsent_bytes, 1.25)


def _peak_growth(server: ServerProcess, attack: Callable[[Target], Awaitable[None]]) -> tuple[int, Target]:
    """Runs an attack; returns the most bytes that it added to the resident memory, and what the server answered."""
    target = Target(server.address, np.random.default_rng(0))

    async def run() -> None:
        await stream_all(Target(server.address, target.rng), [config(), *frames([grey_png(64, 64)], 8)])  # warm
        reset_peak(server.pid)
        await attack(target)

    before = Use.of(server.pid).memory_bytes
    asyncio.run(run())
    return peak_bytes(server.pid) - before, target
