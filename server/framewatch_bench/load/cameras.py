"""The answer to: how many cameras does this machine take."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from framewatch_bench.frames import JpegFrames
from framewatch_bench.load.load import LoadPlan
from framewatch_bench.load.serve import ServeReport, bench_running
from framewatch_bench.spawn import ServerProcess

_LOST = 0.001


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked of the machine.

    Attributes:
        fps: frames per second of every camera.
        p99_ms: 99 of 100 frames are scored within this time, ms.
        seconds: how long each number of cameras is tried.

    """

    fps: float
    p99_ms: float
    seconds: float

    def is_met(self, report: ServeReport) -> bool:
        """Whether all cameras were served: (nearly) no frame dropped or failed, and quickly enough."""
        load = report.load
        lost = load.sent - load.count("scores")
        return load.sent > 0 and lost <= _LOST * load.sent and load.latency_ms(99) <= self.p99_ms


def find_most_cameras(
    server: ServerProcess,
    wanted: Wanted,
    frames: JpegFrames,
    most: int,
    report: Callable[[int, ServeReport, bool], None],
) -> int:
    """The largest number of cameras that the server takes, at most `most`, found by doubling and then halving."""

    def takes(cameras: int) -> bool:
        measured = bench_running(server, LoadPlan(cameras, wanted.fps, wanted.seconds, live=True), frames)
        met = wanted.is_met(measured)
        report(cameras, measured, met)
        return met

    return largest_that(takes, most)


def largest_that(holds: Callable[[int], bool], most: int) -> int:
    """The largest number from 1 to `most` for which it holds, given that it holds for all below; 0: for none."""
    good, bad = 0, 1
    while bad <= most and holds(bad):
        good, bad = bad, bad * 2
    bad = min(bad, most + 1)
    while bad - good > 1:
        middle = (good + bad) // 2
        if holds(middle):
            good = middle
        else:
            bad = middle
    return good
