"""Promises of framewatch about speed, fairness and memory, measured on this machine and kept or broken."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from framewatch_bench.counted import CountedServer
from framewatch_bench.frames import JpegFrames
from framewatch_bench.hostile.promises import HostileCheck
from framewatch_bench.load.hold import hold_streams
from framewatch_bench.load.measure import ServeReport, bench_running, decode_ms
from framewatch_bench.load.simulation import LoadPlan, LoadReport
from framewatch_bench.options import EngineOptions
from framewatch_bench.promise import Promise
from framewatch_bench.spawn import ServerProcess
from framewatch_bench.towers.call import measure_call
from framewatch_bench.towers.tower import pictures_per_second
from framewatch_server.vision.towers.encoder import Encoder
from framewatch_server.vision.towers.null import NULL

_OVERLOAD = 4
_CALL_ROUNDS = 3
_CALL_TURN_S = 1.5
_MB = 1e6


@dataclass(frozen=True, slots=True)
class Check:
    """Measurement of the promises.

    Attributes:
        checkpoint: the model, as `serve` takes it.
        frames: images that are sent.
        options: engine of the server and of the bare tower.
        streams: number of streams under load.
        held: number of idle streams, and of streams that are never read; each may take 1 MB of memory.
        seconds: length of each measurement.
        attacks: names of the attacks under which the delays of other streams are measured.

    """

    checkpoint: str
    frames: JpegFrames
    options: EngineOptions
    streams: int
    held: int
    seconds: float
    attacks: Sequence[str]

    def run(self, report: Callable[[str], None]) -> Iterator[Promise]:
        """Measures one promise after the other. `report` is called with the subject of each measurement."""
        report("held streams")
        yield from self._idle()
        yield from self._never_read()
        encoder = self.options.load(self.checkpoint)
        report("single calls")
        yield self._call(encoder)
        report("throughput and overload")
        yield from self._under_load(encoder)
        yield from HostileCheck(self.frames, self.seconds, self.attacks).run(report)

    def _held_server(self) -> ServerProcess:
        return ServerProcess("--model", NULL, "--max-streams", str(self.held))

    def _idle(self) -> Iterator[Promise]:
        with self._held_server() as server:
            held = asyncio.run(hold_streams(server, self.held, self.seconds, None))
        yield Promise(f"{self.held} idle streams, % of a core", 100 * held.cpu_share, 1)
        yield Promise(f"{self.held} idle streams, MB more", held.grown_bytes / _MB, self.held)

    def _never_read(self) -> Iterator[Promise]:
        with self._held_server() as server:
            held = asyncio.run(hold_streams(server, self.held, self.seconds, self.frames))
        yield Promise(f"{self.held} clients that never read, MB more", held.grown_bytes / _MB, self.held)

    def _call(self, encoder: Encoder) -> Promise:
        measured = measure_call(
            self.checkpoint,
            encoder,
            self.frames,
            self.options,
            rounds=_CALL_ROUNDS,
            seconds=_CALL_TURN_S,
            report=lambda _: None,
        )
        return Promise("a call, ms beyond tower and decoding", measured.median(lambda each: each.beyond_ms), 3)

    def _under_load(self, encoder: Encoder) -> Iterator[Promise]:
        size = encoder.images.default_batch_size
        encoder.images.warm(size)
        flags = ["--model", self.checkpoint, *self.options.flags, "--max-streams", str(self.streams)]
        with CountedServer(*flags) as server:
            files = bench_running(server, LoadPlan(self.streams, None, self.seconds), self.frames)
            tower_fps = pictures_per_second(encoder, size, self.seconds)
            least = 0.75 if encoder.info.dtype == "int8" else 0.85
            yield Promise("throughput, of the bare tower's", files.load.throughput / tower_fps, least, is_least=True)
            fps = _OVERLOAD * files.load.throughput / self.streams
            live = bench_running(server, LoadPlan(self.streams, fps, self.seconds, live=True), self.frames)
            yield from _under_overload(live, decode_ms(self.frames))


def _under_overload(report: ServeReport, decoding_ms: float) -> Iterator[Promise]:
    prefix, load = f"{_OVERLOAD} × overload, ", report.load
    yield Promise(prefix + "frames without an outcome", load.unanswered, 0)
    yield Promise(prefix + "frames that failed", load.count("error"), 0)
    delay = (load.latency_ms(99) - decoding_ms) / _batch_ms(load)
    yield Promise(prefix + "p99 delay in batch times", delay, 4)
    yield Promise(prefix + "spread of the streams' shares", load.share_spread, 0.1)
    if report.memory_bytes is not None:
        before, after = report.memory_bytes
        yield Promise(prefix + "MB more", (after - before) / _MB, 32)


def _batch_ms(load: LoadReport) -> float:
    return 1000 * load.mean_batch / load.throughput
