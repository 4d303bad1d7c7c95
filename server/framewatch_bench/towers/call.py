"""A single call on an idle server, beside the parts that it cannot do without: the bare tower and decoding."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import cycle

import grpc
import numpy as np

from framewatch.v1 import framewatch_pb2 as pb
from framewatch.v1 import framewatch_pb2_grpc as pb_grpc
from framewatch_bench.frames import JpegFrames
from framewatch_bench.load.measure import decode_and_prepare
from framewatch_bench.load.simulation import LABELS
from framewatch_bench.options import EngineOptions
from framewatch_bench.spawn import ServerProcess
from framewatch_bench.towers.tower import median_s
from framewatch_server.vision.towers.encoder import Encoder, ModelInfo


@dataclass(frozen=True, slots=True)
class CallRound:
    """Medians of one round, in milliseconds.

    Attributes:
        call_ms: a Classify call with one JPEG, from sending it to its answer, with a label set that is cached.
        tower_ms: the bare tower at batch 1, from prepared pixels to the vector.
        decode_ms: from the same JPEG to prepared pixels, on one thread.

    """

    call_ms: float
    tower_ms: float
    decode_ms: float

    @property
    def beyond_ms(self) -> float:
        """Time of the call beyond tower and decoding."""
        return self.call_ms - self.tower_ms - self.decode_ms


@dataclass(frozen=True, slots=True)
class CallReport:
    """All rounds, and the model that was measured."""

    info: ModelInfo
    rounds: tuple[CallRound, ...]

    def median(self, figure: Callable[[CallRound], float]) -> float:
        """Returns the median of a figure over all rounds."""
        return float(np.median([figure(each) for each in self.rounds]))


def measure_call(
    checkpoint: str,
    encoder: Encoder,
    frames: JpegFrames,
    options: EngineOptions,
    *,
    rounds: int,
    seconds: float,
    report: Callable[[str], None],
) -> CallReport:
    """Measures calls, tower and decoding by turns, never two at once, since they would share the cores.

    Args:
        checkpoint: the model, as `serve` takes it.
        encoder: the same model, loaded in this process by `options`.
        frames: images that are sent, one at a time.
        options: engine of the server.
        rounds: number of turns of each.
        seconds: length of a turn.
        report: called with the number of each round.

    """
    encoder.images.warm(1)
    files = cycle(frames.encoded)
    pixels = decode_and_prepare(frames.encoded[0], encoder.preprocess)[None]
    done = []
    with (
        ServerProcess("--model", checkpoint, "--image-cache-bytes", "0", *options.flags) as server,
        classifying(server.address, frames) as call,
    ):
        for number in range(rounds):
            report(f"round {number + 1} of {rounds}")
            call_s = median_s(call, seconds)
            tower_s = median_s(lambda: encoder.images.encode(pixels), seconds)
            decode_s = median_s(lambda: decode_and_prepare(next(files), encoder.preprocess), seconds)
            done.append(CallRound(call_s * 1000, tower_s * 1000, decode_s * 1000))
    return CallReport(encoder.info, tuple(done))


@contextmanager
def classifying(address: str, frames: JpegFrames) -> Iterator[Callable[[], object]]:
    """Yields a function that classifies the next frame in a call of its own and waits for the answer."""
    label_set = pb.LabelSet(labels=[pb.Label(name=name) for name in LABELS])
    requests = cycle(
        [pb.ClassifyRequest(image=pb.Image(encoded=encoded), label_set=label_set) for encoded in frames.encoded]
    )
    with grpc.insecure_channel(address) as channel:
        stub = pb_grpc.ZeroShotServiceStub(channel)
        yield lambda: stub.Classify(next(requests))
