"""framewatch beside its peers, by turns in one run, since a machine's speed changes from minute to minute."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np

from framewatch_bench.counted import CountedServer
from framewatch_bench.frames import JpegFrames
from framewatch_bench.load.measure import bench_running
from framewatch_bench.load.simulation import LoadPlan
from framewatch_bench.options import EngineOptions
from framewatch_bench.peers import infinity, pipelines
from framewatch_bench.towers.call import classifying
from framewatch_bench.towers.tower import median_s, pictures_per_second
from framewatch_server.vision.towers.encoder import Encoder

Turn: TypeAlias = Callable[[], float]
"""A function that measures once, for a fixed time, and returns frames per second."""


@dataclass(frozen=True, slots=True)
class Contender:
    """A way to score frames, and its speed in frames per second, one figure per round."""

    name: str
    rounds: tuple[float, ...]

    @property
    def fps(self) -> float:
        """Frames per second in the median round."""
        return float(np.median(self.rounds))


@dataclass(frozen=True, slots=True)
class Comparison:
    """Comparison of the server with the bare model and its peers.

    Attributes:
        model: the model as the user named it.
        checkpoint: the folder or hub id that all contenders load.
        frames: images that are scored, from JPEG bytes on; only the bare tower gets pixels.
        options: engine of the server and of the bare tower; the others run in float32 on the same device.
        streams: number of streams of the server, and of clients of infinity.
        seconds: length of a turn.
        infinity: the command of infinity; None: it is left out.

    """

    model: str
    checkpoint: str
    frames: JpegFrames
    options: EngineOptions
    streams: int
    seconds: float
    infinity: Path | None

    def run(self, rounds: int, report: Callable[[str], None]) -> list[Contender]:
        """Measures every contender once per round; framewatch under load comes first.

        Args:
            rounds: number of rounds.
            report: called with the round and the contender of each turn.

        Raises:
            BenchError: infinity does not run, or refuses a request; or frames were scored without the model.
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
        """Lines about the peers that are left out, each with the way to have it."""
        lines = []
        if self.infinity is None:
            lines.append(
                "infinity is not installed: install it (docs/benchmarks.md), and pass its command as --infinity"
            )
        if self.model not in pipelines.OPEN_CLIP_NAMES:
            lines.append(
                f"open_clip is left out: it has random weights for {', '.join(pipelines.OPEN_CLIP_NAMES)} only"
            )
        elif not pipelines.has_open_clip():
            lines.append("open_clip is not installed: pip install open_clip_torch beside framewatch")
        return lines

    def _turns(self, stack: ExitStack) -> dict[str, Turn]:
        # loaded first: this makes the int8 model that the server then finds
        encoder = self.options.load(self.checkpoint)
        device = encoder.info.device
        server = stack.enter_context(CountedServer("--model", self.checkpoint, *self.options.flags))
        return {
            **self._framewatch(server, stack),
            **self._tower(encoder),
            **self._transformers(device),
            **self._open_clip(device),
            **self._infinity(device, stack),
        }

    def _framewatch(self, server: CountedServer, stack: ExitStack) -> dict[str, Turn]:
        plan = LoadPlan(self.streams, None, self.seconds, warmup_s=1.0)
        calls = stack.enter_context(classifying(server.address, self.frames))

        def single() -> float:
            with server.running_for_each(lambda: calls.count):
                return 1 / median_s(calls.send, self.seconds, calls.prepare)

        return {
            f"framewatch, {self.streams} streams": lambda: bench_running(server, plan, self.frames).load.throughput,
            "framewatch, one call at a time": single,
        }

    def _tower(self, encoder: Encoder) -> dict[str, Turn]:
        batch = encoder.images.default_batch_size  # as the server's
        encoder.images.warm(batch)
        return {f"bare tower, batches of {batch}": lambda: pictures_per_second(encoder, batch, self.seconds)}

    def _transformers(self, device: str) -> dict[str, Turn]:
        score = pipelines.transformers_pipeline(self.checkpoint, device)
        return {
            "transformers, batches of 8": lambda: pipelines.frames_per_second(score, self.frames, 8, self.seconds),
            "transformers, one by one": lambda: pipelines.frames_per_second(score, self.frames, 1, self.seconds),
        }

    def _open_clip(self, device: str) -> dict[str, Turn]:
        if self.model not in pipelines.OPEN_CLIP_NAMES or not pipelines.has_open_clip():
            return {}
        score = pipelines.open_clip_scorer(self.model, device)
        return {"open_clip, batches of 8": lambda: pipelines.frames_per_second(score, self.frames, 8, self.seconds)}

    def _infinity(self, device: str, stack: ExitStack) -> dict[str, Turn]:
        if self.infinity is None:
            return {}
        process = infinity.InfinityProcess(self.infinity, self.checkpoint, device.partition(":")[0])
        port = stack.enter_context(process).port
        calls = stack.enter_context(infinity.embedding(port, self.frames))
        return {
            f"infinity, {self.streams} clients": lambda: infinity.frames_per_second(
                port, self.frames, self.streams, self.seconds
            ),
            "infinity, one call at a time": lambda: 1 / median_s(calls.send, self.seconds, calls.prepare),
        }
