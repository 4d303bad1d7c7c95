"""Search for the largest number of cameras that a server can serve."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from framewatch_bench.counted import CountedServer
from framewatch_bench.frames import JpegFrames
from framewatch_bench.load.measure import ServeReport, bench_running
from framewatch_bench.load.simulation import LoadPlan

_LOST = 0.001


@dataclass(frozen=True, slots=True)
class Demand:
    """Requirements on the service of every camera.

    Attributes:
        fps: frames per second of every camera.
        p99_ms: time within which 99 of 100 frames are scored, ms.
        seconds: length of the measurement of each number of cameras.

    """

    fps: float
    p99_ms: float
    seconds: float

    def is_met(self, report: ServeReport) -> bool:
        """Returns whether all cameras were served: (nearly) no frame dropped or failed, and all in time."""
        load = report.load
        lost = load.sent - load.count("scores")
        return load.sent > 0 and lost <= _LOST * load.sent and load.latency_ms(99) <= self.p99_ms


def find_most_cameras(
    server: CountedServer,
    demand: Demand,
    frames: JpegFrames,
    most: int,
    report: Callable[[int, ServeReport, bool], None],
) -> int:
    """Finds the largest number of cameras that the server can serve, by doubling and then halving.

    Args:
        server: the server, a child of this process.
        demand: the requirements.
        frames: images that the cameras send.
        most: the largest number that is tried.
        report: called after each measurement with the number, its figures and whether they meet the demand.

    """

    def can_serve(cameras: int) -> bool:
        measured = bench_running(server, LoadPlan(cameras, demand.fps, demand.seconds, live=True), frames)
        met = demand.is_met(measured)
        report(cameras, measured, met)
        return met

    return largest_that(can_serve, most)


def largest_that(holds: Callable[[int], bool], most: int) -> int:
    """Returns the largest number from 1 to `most` for which `holds` is true, or 0 if there is none.

    `holds` must be true for all numbers below one for which it is true.
    """
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
