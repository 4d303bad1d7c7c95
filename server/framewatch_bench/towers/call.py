"""A single call on an idle server, beside the parts that it cannot do without: the bare tower and decoding."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import cycle
from typing import NamedTuple

import grpc
import numpy as np
from google.protobuf.duration_pb2 import Duration

from framewatch.v1 import framewatch_pb2 as pb
from framewatch.v1 import framewatch_pb2_grpc as pb_grpc
from framewatch_bench.counted import CountedServer
from framewatch_bench.frames import JpegFrames
from framewatch_bench.load.measure import decode_and_prepare
from framewatch_bench.load.simulation import LABELS
from framewatch_bench.options import EngineOptions
from framewatch_bench.towers.tower import median_s
from framewatch_server.vision.towers.encoder import Encoder, ModelInfo


class ServerTimes(NamedTuple):
    """Medians of the times that the server's answers state, in milliseconds: the parts of a call in its engine."""

    decode_ms: float
    queue_ms: float
    inference_ms: float


NO_TIMES = ServerTimes(0.0, 0.0, 0.0)


@dataclass(frozen=True, slots=True)
class CallRound:
    """Medians of one round, in milliseconds.

    Attributes:
        call_ms: a Classify call with one JPEG, from sending it to its answer, with a label set that is cached.
        tower_ms: the bare tower at batch 1, from prepared pixels to the vector.
        decode_ms: from the same JPEG to prepared pixels, on one thread.
        server: the server's own times in the call.

    """

    call_ms: float
    tower_ms: float
    decode_ms: float
    server: ServerTimes = NO_TIMES

    @property
    def beyond_ms(self) -> float:
        """Time of the call beyond tower and decoding."""
        return self.call_ms - self.tower_ms - self.decode_ms

    @property
    def outside_ms(self) -> float:
        """Time of the call outside of the server's engine: gRPC on both sides, keys, scoring, waking threads."""
        return self.call_ms - sum(self.server)


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

    Raises:
        BenchError: the model did not run for each call.

    """
    encoder.images.warm(1)
    files = cycle(frames.encoded)
    pixels = decode_and_prepare(frames.encoded[0], encoder.preprocess)[None]
    done = []
    with (
        CountedServer("--model", checkpoint, *options.flags) as server,
        classifying(server.address, frames) as calls,
        server.running_for_each(lambda: calls.count),
    ):
        for number in range(rounds):
            report(f"round {number + 1} of {rounds}")
            call_s = median_s(calls.send, seconds, calls.prepare)
            tower_s = median_s(lambda: encoder.images.encode(pixels), seconds)
            decode_s = median_s(lambda: decode_and_prepare(next(files), encoder.preprocess), seconds)
            done.append(CallRound(call_s * 1000, tower_s * 1000, decode_s * 1000, calls.server_times()))
    return CallReport(encoder.info, tuple(done))


class SingleCalls:
    """Classify calls one after the other, each with a picture that is new to the server.

    Attributes:
        count: number of answered calls.

    """

    def __init__(self, stub: pb_grpc.ZeroShotServiceStub, frames: JpegFrames) -> None:
        self._stub = stub
        self._frames = frames
        self._label_set = pb.LabelSet(labels=[pb.Label(name=name) for name in LABELS])
        self._request = pb.ClassifyRequest()
        self._timings: list[tuple[float, float, float]] = []
        self.count = 0

    def prepare(self) -> None:
        """Makes the next request."""
        self._request = pb.ClassifyRequest(image=pb.Image(encoded=self._frames.new()), label_set=self._label_set)

    def send(self) -> None:
        """Sends the request and waits for its answer. Raises grpc.RpcError."""
        timings = self._stub.Classify(self._request).timings
        self._timings.append((_ms(timings.decode), _ms(timings.queue), _ms(timings.inference)))
        self.count += 1

    def server_times(self) -> ServerTimes:
        """Returns the medians of the server's times since this was called last."""
        medians = np.median(self._timings, axis=0)
        self._timings = []
        return ServerTimes(*map(float, medians))


def _ms(duration: Duration) -> float:
    return float(duration.ToNanoseconds()) / 1e6


@contextmanager
def classifying(address: str, frames: JpegFrames) -> Iterator[SingleCalls]:
    """Yields calls to a server."""
    with grpc.insecure_channel(address) as channel:
        yield SingleCalls(pb_grpc.ZeroShotServiceStub(channel), frames)
