"""Sequences of requests, made by mutation, and their check."""

from __future__ import annotations

import resource
import time
from collections.abc import Iterator
from random import Random

from google.protobuf.message import Message

from framewatch.v1 import framewatch_pb2 as pb
from tests.fuzz.messages import seeds
from tests.fuzz.messages.checks import check
from tests.fuzz.messages.mutations import Mutator
from tests.fuzz.messages.seeds import Sequence
from tests.fuzz.messages.server import FuzzedServer, Log

_REPORT_EVERY = 100_000
_KEPT_TOKENS = 8


class Fuzz:
    """Makes sequences from one seed; the same seed makes the same ones, but for the server's own tokens."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)
        self._mutator = Mutator(self._random)
        self._calls = seeds.calls()
        self._configs, self._frames = seeds.configs(), seeds.frames()

    def sequences(self) -> Iterator[Sequence]:
        """Yields sequences without end."""
        methods = list(self._calls)
        while True:
            if self._random.random() < 0.3:
                method = self._random.choice(methods)
                yield Sequence(method, (self._mutated(self._random.choice(self._calls[method])),))
            else:
                yield Sequence("StreamFrames", tuple(self._stream()))

    def take_tokens(self, sent: list[object]) -> None:
        """Keeps resume tokens and event ids, which later sequences repeat."""
        tokens = self._mutator.tokens
        for each in sent:
            response = pb.StreamFramesResponse.FromString(each) if isinstance(each, bytes) else each
            if not isinstance(response, pb.StreamFramesResponse):
                continue
            if token := response.started.resume_token or response.event.event_id or response.health_event.event_id:
                tokens.append(token)
        del tokens[: max(0, len(tokens) - _KEPT_TOKENS)]

    def _stream(self) -> Iterator[bytes]:
        random = self._random
        # most configs are good, or there would be no frames
        config = pb.StreamFramesRequest()
        config.CopyFrom(random.choice(self._configs))
        self._mutator.change_inside(config, random.choice((0, 0, 0, 1, 1, 2, 4)))
        yield self._mutated(config, (0,), bytes_share=0.05)
        frame_id, seconds = 0, 0
        for _ in range(random.choice((0, 2, 6, 12, 24, 48))):
            choice = random.random()
            if choice < 0.04:
                yield self._mutated(random.choice(self._configs), (0, 0, 1), bytes_share=0.02)
                continue
            message = pb.StreamFramesRequest()
            message.CopyFrom(random.choice(self._frames))
            if message.HasField("frame"):
                frame_id, seconds = frame_id + random.choice((1, 1, 1, 3)), seconds + random.choice((0, 1, 1, 2, 5))
                message.frame.frame_id = frame_id
                if message.frame.HasField("time_offset"):
                    message.frame.time_offset.seconds = seconds
            if choice < 0.97:
                self._mutator.change_inside(message, random.choice((0, 0, 0, 0, 1, 1, 2)))
                yield message.SerializeToString()
            else:
                yield self._mutated(message, (0, 1), bytes_share=0.5)

    def _mutated(
        self, message: Message, counts: tuple[int, ...] = (0, 1, 1, 2, 3, 6), bytes_share: float = 0.1
    ) -> bytes:
        changed = self._mutator.mutated(message, self._random.choice(counts)).SerializeToString()
        return self._mutator.mutated_bytes(changed) if self._random.random() < bytes_share else changed


class Run:
    """Checks sequences and counts their requests."""

    def __init__(self, seed: int) -> None:
        self.count = 0
        self.codes: dict[str, int] = {}
        self._log = Log()
        self._server = FuzzedServer()
        self._fuzz = Fuzz(seed)
        self._started = time.perf_counter()
        self._next_report = _REPORT_EVERY

    async def check(self, sequence: Sequence) -> None:
        """Checks a sequence; raises BrokenError."""
        call = await check(self._server, sequence, self._log)
        self._fuzz.take_tokens(call.sent)
        self.count += max(1, call.taken)
        self.codes[call.code.name] = self.codes.get(call.code.name, 0) + 1

    def sequences(self) -> Iterator[Sequence]:
        """See `Fuzz.sequences`."""
        return self._fuzz.sequences()

    def report(self, *, at_end: bool = False) -> str | None:
        """Returns a line about the run, now and then."""
        if self.count < self._next_report and not at_end:
            return None
        self._next_report += _REPORT_EVERY
        rate = self.count / (time.perf_counter() - self._started)
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        return f"{self.count:,} requests, {rate:,.0f} a second, memory {memory:,} MiB, calls ended with {self.codes}"
