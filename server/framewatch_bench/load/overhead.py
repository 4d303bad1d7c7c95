"""CPU time of the server per frame without decoding and the model, and the share of it that gRPC alone costs."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from framewatch_bench.counted import CountedServer, require_runs
from framewatch_bench.frames import JpegFrames
from framewatch_bench.load.process import thread_cpu_s
from framewatch_bench.load.simulation import LoadPlan, LoadReport, run_load
from framewatch_bench.spawn import SpawnError
from framewatch_server.vision.towers.null import NULL


@dataclass(frozen=True, slots=True)
class FrameCost:
    """CPU time of a server's threads per frame, in microseconds.

    Attributes:
        decode_us: time of the decode threads.
        device_us: time of the device thread.
        other_us: time of the event loop and gRPC.

    """

    decode_us: float
    device_us: float
    other_us: float

    @property
    def beside_decode_us(self) -> float:
        """Time of all threads but the decode threads; with a model that computes nothing, the overhead."""
        return self.device_us + self.other_us

    @classmethod
    def median(cls, costs: list[FrameCost]) -> FrameCost:
        """Returns the median of each figure."""
        figures = np.median([(cost.decode_us, cost.device_us, cost.other_us) for cost in costs], axis=0)
        return cls(*map(float, figures))


@dataclass(frozen=True, slots=True)
class OverheadReport:
    """Costs of a frame: for a server that does nothing but gRPC, and for ours with a model that computes nothing."""

    grpc_alone: FrameCost
    framewatch: FrameCost


def measure_overhead(
    plan: LoadPlan, frames: JpegFrames, *, rounds: int, report: Callable[[str], None]
) -> OverheadReport:
    """Gives both servers the same load, by turns. `report` is called with the name of each turn."""
    costs: dict[str, list[FrameCost]] = {"gRPC alone": [], "framewatch": []}
    flags = ("--model", NULL, "--max-streams", str(plan.streams))
    with _echo_server() as (echo_address, echo_pid), CountedServer(*flags) as server:
        addresses = {"gRPC alone": (echo_address, echo_pid), "framewatch": (server.address, server.pid)}
        scored = 0
        for number in range(rounds):
            for name, (address, pid) in addresses.items():
                report(f"round {number + 1} of {rounds}: {name}")
                cost, load = _cost(address, pid, plan, frames)
                costs[name].append(cost)
                scored += load.scored if pid == server.pid else 0
        require_runs(server.embedded_inputs, scored)
    return OverheadReport(FrameCost.median(costs["gRPC alone"]), FrameCost.median(costs["framewatch"]))


def _cost(address: str, pid: int, plan: LoadPlan, frames: JpegFrames) -> tuple[FrameCost, LoadReport]:
    before = thread_cpu_s(pid)
    load = asyncio.run(run_load(address, plan, frames))
    spent = {name: after_s - before.get(name, 0.0) for name, after_s in thread_cpu_s(pid).items()}
    per_frame = 1e6 / max(1, sum(camera.answered for camera in load.cameras))
    decode_s = sum(s for name, s in spent.items() if name.startswith("decode-"))
    device_s = spent.get("device", 0.0)
    other_s = sum(spent.values()) - decode_s - device_s
    return FrameCost(decode_s * per_frame, device_s * per_frame, other_s * per_frame), load


@contextmanager
def _echo_server() -> Iterator[tuple[str, int]]:
    command = [sys.executable, "-m", "framewatch_bench.load.echo"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603 our own command
        try:
            port = process.stdout.readline() if process.stdout else ""
            if not port:
                raise SpawnError("the server that measures gRPC alone ended before it served")
            yield f"127.0.0.1:{int(port)}", process.pid
        finally:
            process.kill()
