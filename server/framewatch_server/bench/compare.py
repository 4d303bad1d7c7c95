"""framewatch against its peers, by turns in one run, since a machine's speed changes from minute to minute."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from PIL import Image as PillowImage
from transformers import pipeline

from framewatch_server.bench.engine import batch_s
from framewatch_server.bench.frames import JpegFrames
from framewatch_server.bench.load import LABELS, LoadPlan, run_load
from framewatch_server.spawn import ServerProcess
from framewatch_server.vision.load import load_encoder

_TOWER_BATCH = 16


@dataclass(frozen=True, slots=True)
class Contender:
    """A way to score frames and its speed, in frames per second, one figure a round."""

    name: str
    rounds: tuple[float, ...]

    @property
    def fps(self) -> float:
        """The median round."""
        return float(np.median(self.rounds))


def compare(
    checkpoint: str,
    frames: JpegFrames,
    *,
    engine: str,
    dtype: str,
    rounds: int,
    seconds: float,
    streams: int,
    report: Callable[[str], None],
) -> list[Contender]:
    """Measures the server under load, the bare tower, and transformers' pipeline in batches of 8 and one by one.

    Args:
        checkpoint: a folder or hub id that all of them load.
        frames: what they score, from JPEG bytes on; the bare tower alone gets pixels.
        engine: of the server and of the bare tower, as `serve` takes it.
        dtype: likewise.
        rounds: how often each has its turn.
        seconds: how long a turn is.
        streams: of the server.
        report: told whose turn it is.

    """
    plan = LoadPlan(streams, None, seconds, warmup_s=1.0)
    encoder = load_encoder(checkpoint, engine=engine, dtype=dtype)
    encoder.warm(_TOWER_BATCH)
    reference = _pipeline(checkpoint, frames)
    figures: dict[str, list[float]] = {}
    with ServerProcess("--model", checkpoint, "--engine", engine, "--dtype", dtype) as server:
        contenders: dict[str, Callable[[], float]] = {
            "framewatch, gRPC": lambda: asyncio.run(run_load(server.address, plan, frames)).throughput,
            f"bare tower, batch {_TOWER_BATCH}": lambda: _TOWER_BATCH / batch_s(encoder, _TOWER_BATCH, seconds),
            "transformers pipeline, batch 8": lambda: reference(8, seconds),
            "transformers pipeline, one by one": lambda: reference(1, seconds),
        }
        for number in range(rounds):
            for name, measure in contenders.items():
                report(f"round {number + 1} of {rounds}: {name}")
                figures.setdefault(name, []).append(measure())
    return [Contender(name, tuple(measured)) for name, measured in figures.items()]


def _pipeline(checkpoint: str, frames: JpegFrames) -> Callable[[int, float], float]:
    classify = pipeline("zero-shot-image-classification", model=checkpoint, dtype=torch.float32, device="cpu")

    def measure(batch: int, seconds: float) -> float:
        done, started = 0, time.perf_counter()
        while time.perf_counter() - started < seconds:
            encoded = [frames.encoded[(done + i) % len(frames.encoded)] for i in range(batch)]
            classify([_decode(data) for data in encoded], candidate_labels=list(LABELS), batch_size=batch)
            done += batch
        return done / (time.perf_counter() - started)

    return measure


def _decode(encoded: bytes) -> PillowImage.Image:
    pixels = cv2.imdecode(np.frombuffer(encoded, np.uint8), cv2.IMREAD_COLOR_RGB)
    return PillowImage.fromarray(np.asarray(pixels, dtype=np.uint8))
