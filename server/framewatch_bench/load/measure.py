"""Measurements of a server under the load of simulated cameras."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from framewatch_bench.counted import CountedServer, require_runs
from framewatch_bench.frames import JpegFrames
from framewatch_bench.load.process import Use
from framewatch_bench.load.simulation import LoadPlan, LoadReport, run_load
from framewatch_core.arrays import UInt8Array
from framewatch_core.images.image import EncodedImage
from framewatch_server.vision.pixels.decode import DecodeLimits
from framewatch_server.vision.pixels.preprocess import PreprocessSpec
from framewatch_server.vision.pixels.view import WHOLE, prepare_view
from framewatch_server.vision.towers.null import NULL_PREPROCESS

_LIMITS = DecodeLimits(max_image_bytes=2**26, max_image_pixels=2**26)
_DECODE_S = 1.0


@dataclass(frozen=True, slots=True)
class ServeReport:
    """Outcomes of a load, and the server's CPU time and memory.

    Attributes:
        load: outcomes of the frames.
        cpu_ms: the server's CPU time per answered frame, ms; None: the server is not a child of this process.
        memory_bytes: the server's resident memory (before, after); None: the server is not a child of this process.

    """

    load: LoadReport
    cpu_ms: float | None
    memory_bytes: tuple[int, int] | None


def bench_spawned(arguments: Sequence[str], plan: LoadPlan, frames: JpegFrames) -> ServeReport:
    """Starts a server with flags of `serve`, and measures it. Raises as `bench_running`."""
    with CountedServer(*arguments) as server:
        return bench_running(server, plan, frames)


def bench_running(server: CountedServer, plan: LoadPlan, frames: JpegFrames) -> ServeReport:
    """Measures a server that was spawned by this process. Raises BenchError if frames were scored without the model."""
    before, embedded_before = Use.of(server.pid), server.embedded_inputs
    load = asyncio.run(run_load(server.address, plan, frames))
    after = Use.of(server.pid)
    require_runs(server.embedded_inputs - embedded_before, load.scored)
    answered = sum(camera.answered for camera in load.cameras)
    cpu_ms = (after.cpu_s - before.cpu_s) * 1000 / max(answered, 1)
    return ServeReport(load, cpu_ms, (before.memory_bytes, after.memory_bytes))


def bench_remote(address: str, plan: LoadPlan, frames: JpegFrames) -> ServeReport:
    """Measures a server at any address, whose own counters are not asked."""
    return ServeReport(asyncio.run(run_load(address, plan, frames)), None, None)


def decode_ms(frames: JpegFrames) -> float:
    """Measures the milliseconds that one thread needs on average to decode a frame and to resize it to 224 x 224."""
    done, started = 0, time.perf_counter()
    while time.perf_counter() - started < _DECODE_S:
        decode_and_prepare(frames.encoded[done % len(frames.encoded)], NULL_PREPROCESS)
        done += 1
    return (time.perf_counter() - started) * 1000 / done


def decode_and_prepare(encoded: bytes, spec: PreprocessSpec) -> UInt8Array:
    """Makes a model's input, uint8 `[3, height, width]`, of an encoded image, by the functions of the server."""
    (pixels,) = prepare_view(EncodedImage(encoded), WHOLE, spec, _LIMITS).inputs
    return np.asarray(pixels)
