"""framewatch against its peers, by turns in one run, since a machine's speed changes from minute to minute."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np

from framewatch_bench.frames import JpegFrames
from framewatch_bench.load.load import LoadPlan, run_load
from framewatch_bench.options import EngineOptions
from framewatch_bench.peers import infinity, peers
from framewatch_bench.spawn import ServerProcess
from framewatch_bench.towers.call import classifying
from framewatch_bench.towers.engine import median_s, pictures_per_second
from framewatch_server.vision.towers.encoder import Encoder

Turn: TypeAlias = Callable[[], float]
"""Measures once, for the seconds that it was made for, and returns frames per second."""


@dataclass(frozen=True, slots=True)
class Contender:
    """A way to score frames and its speed, in frames per second, one figure a round."""

    name: str
    rounds: tuple[float, ...]

    @property
    def fps(self) -> float:
        """The median round."""
        return float(np.median(self.rounds))


@dataclass(frozen=True, slots=True)
class Comparison:
    """What is compared.

    Attributes:
        model: what the user named.
        checkpoint: the folder or hub id that all contenders load.
        frames: what they score, from JPEG bytes on; the bare tower alone gets pixels.
        options: of the server and of the bare tower; the others run in float32 on the same device.
        streams: of the server, and clients of infinity.
        seconds: how long a turn is.
        infinity: the command of infinity; None: it is left out.

    """

    model: str
    checkpoint: str
    frames: JpegFrames
    options: EngineOptions
    streams: int
    seconds: float
    infinity: Path | None = None

    def run(self, rounds: int, report: Callable[[str], None]) -> list[Contender]:
        """Gives each its turn in every round; framewatch under load comes first.

        Args:
            rounds: how many.
            report: told whose turn it is.

        Raises:
            BenchError: infinity does not run, or refuses what it is sent.
            ModelLoadError: the checkpoint can't be loaded.

        """
        figures: dict[str, list[float]] = {}
        with ExitStack() as stack:
            turns = self._turns(stack)
            for number in range(rounds):
                for name, measure in turns.items():
                    report(f"round {number + 1} of {rounds}: {name}")
                    figures.setdefault(name, []).append(measure())
        return [Contender(name, tuple(measured)) for name, measured in figures.items()]

    @property
    def absent(self) -> list[str]:
        """A line on each peer that is left out and how to have it."""
        lines = []
        if self.infinity is None:
            lines.append("infinity is not installed: docs/benchmarks.md says how; then give its command as --infinity")
        if self.model not in peers.OPEN_CLIP_NAMES:
            lines.append(f"open_clip is left out: it has random weights for {', '.join(peers.OPEN_CLIP_NAMES)} only")
        elif not peers.has_open_clip():
            lines.append("open_clip is not installed: pip install open_clip_torch beside framewatch")
        return lines

    def _turns(self, stack: ExitStack) -> dict[str, Turn]:
        # first of all: it makes the int8 model that the server then finds
        encoder = self.options.load(self.checkpoint)
        device = encoder.info.device
        server = stack.enter_context(ServerProcess("--model", self.checkpoint, *self.options.flags))
        return {
            **self._framewatch(server, stack),
            **self._tower(encoder),
            **self._transformers(device),
            **self._open_clip(device),
            **self._infinity(device, stack),
        }

    def _framewatch(self, server: ServerProcess, stack: ExitStack) -> dict[str, Turn]:
        plan = LoadPlan(self.streams, None, self.seconds, warmup_s=1.0)
        call = stack.enter_context(classifying(server.address, self.frames))
        return {
            f"framewatch, {self.streams} streams": lambda: (
                asyncio.run(run_load(server.address, plan, self.frames)).throughput
            ),
            "framewatch, one call at a time": lambda: 1 / median_s(call, self.seconds),
        }

    def _tower(self, encoder: Encoder) -> dict[str, Turn]:
        batch = encoder.images.default_batch_size  # as the server's
        encoder.images.warm(batch)
        return {f"bare tower, batches of {batch}": lambda: pictures_per_second(encoder, batch, self.seconds)}

    def _transformers(self, device: str) -> dict[str, Turn]:
        score = peers.transformers_pipeline(self.checkpoint, device)
        return {
            "transformers, batches of 8": lambda: peers.frames_per_second(score, self.frames, 8, self.seconds),
            "transformers, one by one": lambda: peers.frames_per_second(score, self.frames, 1, self.seconds),
        }

    def _open_clip(self, device: str) -> dict[str, Turn]:
        if self.model not in peers.OPEN_CLIP_NAMES or not peers.has_open_clip():
            return {}
        score = peers.open_clip_scorer(self.model, device)
        return {"open_clip, batches of 8": lambda: peers.frames_per_second(score, self.frames, 8, self.seconds)}

    def _infinity(self, device: str, stack: ExitStack) -> dict[str, Turn]:
        if self.infinity is None:
            return {}
        process = infinity.InfinityProcess(self.infinity, self.checkpoint, device.partition(":")[0])
        port = stack.enter_context(process).port
        embed = stack.enter_context(infinity.embedding(port, self.frames))
        return {
            f"infinity, {self.streams} clients": lambda: infinity.frames_per_second(
                port, self.frames, self.streams, self.seconds
            ),
            "infinity, one call at a time": lambda: 1 / median_s(embed, self.seconds),
        }
