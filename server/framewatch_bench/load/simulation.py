"""Simulated cameras: many streams at once against a server, and the outcome of every frame."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TypeAlias

import grpc
import numpy as np

from framewatch.v1 import framewatch_pb2 as pb
from framewatch.v1 import framewatch_pb2_grpc as pb_grpc
from framewatch_bench.frames import JpegFrames

LABELS = ("a person", "a dog", "a car", "a box", "nothing")
_CONNECT_TIMEOUT_S = 30.0
# Cameras come from different machines; more connections than this only cost the simulating process.
_CONNECTIONS = 32

Stub: TypeAlias = "pb_grpc.ZeroShotServiceAsyncStub"  # only the type stubs have it


@dataclass(frozen=True, slots=True)
class LoadPlan:
    """Behaviour of the cameras.

    Attributes:
        streams: number of cameras.
        fps: frames per second of each; None: as fast as the server takes them.
        seconds: length of the measurement.
        warmup_s: time before the measurement begins; frames sent in it do not count.
        live: True: frames that come too fast are dropped (DROP_OLDEST); False: they slow the sender (BLOCK).

    """

    streams: int
    fps: float | None
    seconds: float
    warmup_s: float = 2.0
    live: bool = False


@dataclass(slots=True)
class CameraReport:
    """Outcomes of one camera's frames.

    Attributes:
        answered: number of outcomes of all its frames, also of those sent before and after the measurement.
        scored: number of scored frames among these.
        scored_meanwhile: number of frames whose scores came during the measurement, whenever they were sent.
        sent: number of frames sent during the measurement; the attributes below are about these.
        outcomes: number of frames by outcome: `scores`, `dropped` or `error`.
        latencies_s: time from sending a scored frame to its scores.
        batch_sizes: size of each scored frame's batch.

    """

    answered: int = 0
    scored: int = 0
    scored_meanwhile: int = 0
    sent: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    latencies_s: list[float] = field(default_factory=list)
    batch_sizes: list[int] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class LoadReport:
    """Outcomes of all cameras' frames.

    Attributes:
        plan: behaviour of the cameras.
        cameras: a report per camera.
        seconds: measured length of the measurement.

    """

    plan: LoadPlan
    cameras: tuple[CameraReport, ...]
    seconds: float

    @property
    def sent(self) -> int:
        """Number of frames sent during the measurement."""
        return sum(camera.sent for camera in self.cameras)

    @property
    def scored(self) -> int:
        """Number of scored frames, also of those sent before and after the measurement."""
        return sum(camera.scored for camera in self.cameras)

    def count(self, outcome: str) -> int:
        """Counts the frames with an outcome: `scores`, `dropped` or `error`."""
        return sum(camera.outcomes[outcome] for camera in self.cameras)

    @property
    def unanswered(self) -> int:
        """Number of frames without an outcome; it must be 0."""
        return self.sent - sum(camera.outcomes.total() for camera in self.cameras)

    @property
    def throughput(self) -> float:
        """Scored frames per second, counted when their scores came, so that frames in flight are not included."""
        return sum(camera.scored_meanwhile for camera in self.cameras) / self.seconds

    @property
    def mean_batch(self) -> float:
        """Mean size of the batches, over frames."""
        sizes = [size for camera in self.cameras for size in camera.batch_sizes]
        return float(np.mean(sizes)) if sizes else 0.0

    def latency_ms(self, percent: float) -> float:
        """Returns a percentile (0..100) of the time from sending a frame to its scores, ms; NaN if none was scored."""
        latencies = [latency for camera in self.cameras for latency in camera.latencies_s]
        return float(np.percentile(latencies, percent)) * 1000 if latencies else float("nan")

    @property
    def share_spread(self) -> float:
        """Difference of the most and the least scored frames of a camera, over their mean; 0: all have equal shares."""
        scored = [camera.outcomes["scores"] for camera in self.cameras]
        return (max(scored) - min(scored)) / max(float(np.mean(scored)), 1e-9)


async def run_load(address: str, plan: LoadPlan, frames: JpegFrames) -> LoadReport:
    """Runs the cameras against a server. Raises grpc.RpcError if a stream is refused or broken."""
    begin = asyncio.Event()
    clock = _Clock()
    async with connect(address, plan.streams, _CONNECTIONS) as stubs, asyncio.TaskGroup() as group:
        cameras = [_Camera(stub, plan, frames, number, clock) for number, stub in enumerate(stubs)]
        tasks = [group.create_task(camera.run(begin)) for camera in cameras]
        await asyncio.gather(*(camera.ready.wait() for camera in cameras))
        begin.set()
        await asyncio.sleep(plan.warmup_s)
        clock.measure_from = time.perf_counter()
        await asyncio.sleep(plan.seconds)
        clock.measure_until = time.perf_counter()
        clock.stopped = True
        await asyncio.gather(*tasks)
    seconds = clock.measure_until - clock.measure_from
    return LoadReport(plan, tuple(camera.report for camera in cameras), seconds)


@dataclass(slots=True)
class _Clock:
    """Bounds of the measurement, of `time.perf_counter`."""

    measure_from: float = float("inf")
    measure_until: float = float("inf")
    stopped: bool = False

    def counts(self, time_s: float) -> bool:
        return self.measure_from <= time_s < self.measure_until


@asynccontextmanager
async def connect(address: str, streams: int, most_connections: int) -> AsyncIterator[list[Stub]]:
    """Yields a stub per stream, on connections of their own up to `most_connections`, which are shared beyond that."""
    # without a pool of its own, channels to one address share one connection
    options = [("grpc.use_local_subchannel_pool", 1), ("grpc.http2.bdp_probe", 0)]
    channels = [grpc.aio.insecure_channel(address, options=options) for _ in range(min(streams, most_connections))]
    try:
        await asyncio.gather(*(asyncio.wait_for(each.channel_ready(), _CONNECT_TIMEOUT_S) for each in channels))
        stubs = [pb_grpc.ZeroShotServiceStub(each) for each in channels]
        yield [stubs[number % len(stubs)] for number in range(streams)]
    finally:
        await asyncio.gather(*(each.close() for each in channels))


class _Camera:
    def __init__(
        self,
        stub: Stub,
        plan: LoadPlan,
        frames: JpegFrames,
        number: int,
        clock: _Clock,
    ) -> None:
        self._stub = stub
        self._plan = plan
        self._frames = frames
        self._number = number
        self._clock = clock
        self._window = asyncio.Semaphore(0)
        self._sent_at: dict[int, float] = {}
        self.report = CameraReport()
        self.ready = asyncio.Event()

    async def run(self, begin: asyncio.Event) -> None:
        """Sends until the clock stops and reads every outcome."""
        async for response in self._stub.StreamFrames(self._requests(begin)):
            self._take(response)

    async def _requests(self, begin: asyncio.Event) -> AsyncIterator[pb.StreamFramesRequest]:
        policy = pb.OVERFLOW_POLICY_DROP_OLDEST if self._plan.live else pb.OVERFLOW_POLICY_BLOCK
        label_set = pb.LabelSet(labels=[pb.Label(name=name) for name in LABELS])
        yield pb.StreamFramesRequest(config=pb.StreamConfig(label_set=label_set, overflow_policy=policy))
        await begin.wait()
        # cameras are not in step with each other
        due = time.perf_counter() + (self._number / self._plan.streams) / (self._plan.fps or float("inf"))
        frame_id = 0
        while not self._clock.stopped:
            await self._window.acquire()
            if self._plan.fps is not None:
                await asyncio.sleep(max(0.0, due - time.perf_counter()))
                due += 1 / self._plan.fps
            now = time.perf_counter()
            self._sent_at[frame_id] = now
            self.report.sent += self._clock.counts(now)
            image = pb.Image(encoded=self._frames.new())
            yield pb.StreamFramesRequest(frame=pb.Frame(frame_id=frame_id, image=image))
            frame_id += 1

    def _take(self, response: pb.StreamFramesResponse) -> None:
        if response.HasField("started"):
            # a live camera does not wait for the server; the bound only keeps a stalled one from filling this process
            room = response.started.in_flight_frame_count
            for _ in range(max(room, 1000) if self._plan.live else room):
                self._window.release()
            self.ready.set()
        elif response.HasField("result"):
            self._window.release()
            self.report.answered += 1
            result = response.result
            sent_at, now = self._sent_at.pop(result.frame_id), time.perf_counter()
            outcome = result.WhichOneof("outcome") or "none"
            self.report.scored += outcome == "scores"
            self.report.scored_meanwhile += outcome == "scores" and self._clock.counts(now)
            if self._clock.counts(sent_at):
                self.report.outcomes[outcome] += 1
                if outcome == "scores":
                    self.report.latencies_s.append(now - sent_at)
                    self.report.batch_sizes.append(result.timings.batch_size)
