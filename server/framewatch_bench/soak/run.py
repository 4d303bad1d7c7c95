"""A soak: a real server with honest clients and hostile ones side by side, and what came of it."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from framewatch_bench.counted import CountedServer
from framewatch_bench.hostile.attacks import attacking
from framewatch_bench.load.process import Use
from framewatch_bench.promise import Promise
from framewatch_bench.soak.accounts import Accounts
from framewatch_bench.soak.clip import belt_clip
from framewatch_bench.soak.honest import Honest
from framewatch_bench.soak.memory import MB, Sample, Slope, slope
from framewatch_bench.spawn import ServerProcess

Span = tuple[float, float]
"""Begin and end, in seconds."""

_SAMPLE_S = 1.0
_ROUND_S = 100.0  # longer than any attack takes
_PAUSE_S = 15.0
_SETTLED_S = 5.0  # the end of a pause, when what the attacks held is given back
_WARMUP_SHARE = 0.2  # of the time under attack: memory that is asked for once is not growth
_QUIET_SHARE = 0.1
_MOST_QUIET_S = 60.0
_REFUSED = "RESOURCE_EXHAUSTED"
_FAULTS = ("INTERNAL", "UNKNOWN", "DATA_LOSS")
_MAX_GROWTH_MB_MIN = 0.1
_MAX_LINES_A_MINUTE = 30.0
_MOST_END_S = 45.0  # the time to drain, and for threads to end


@dataclass(frozen=True, slots=True)
class Plan:
    """Length and size of a soak.

    Attributes:
        seconds: length with all clients, the quiet beginning included.
        cameras: honest cameras that start a new stream for each showing of the clip; one more goes on in one stream.
        report_s: time between two reports.
        p99_ms: largest p99 delay of honest calls under attack.

    """

    seconds: float
    cameras: int
    report_s: float
    p99_ms: float

    @property
    def quiet_s(self) -> float:
        """Length of the beginning, in which there are no hostile clients."""
        return min(_MOST_QUIET_S, self.seconds * _QUIET_SHARE)


@dataclass(slots=True)
class SoakReport:
    """Results of a soak.

    Attributes:
        plan: what was to happen.
        accounts: what the honest clients got.
        attacks: spans of the attacks by name, on the monotonic clock, those that were cut off at the end included.
        statuses: statuses of the hostile calls.
        outcomes: outcomes of the hostile frames.
        memory: samples of the server's resident memory.
        settled: its medians at the end of each pause between two rounds of attacks, when only honest clients are there,
            without what the server's caches keep, which grow to their limits.
        kept: bytes of the caches at these ends.
        log: number of log entries by event.
        errors: log entries of the level error.
        other_lines: lines of the server's standard error that are no log entries.
        hostile_from_s, hostile_until_s: time of the attacks, on the monotonic clock.
        exit_code: of the server, after SIGTERM.
        ended_s: seconds that it took to end.

    """

    plan: Plan
    accounts: Accounts
    attacks: dict[str, list[Span]] = field(default_factory=lambda: defaultdict(list))
    statuses: Counter[str] = field(default_factory=Counter)
    outcomes: Counter[str] = field(default_factory=Counter)
    memory: list[Sample] = field(default_factory=list)
    settled: list[Sample] = field(default_factory=list)
    kept: list[int] = field(default_factory=list)
    log: Counter[str] = field(default_factory=Counter)
    errors: list[dict[str, Any]] = field(default_factory=list)
    other_lines: list[str] = field(default_factory=list)
    hostile_from_s: float = 0.0
    hostile_until_s: float = 0.0
    exit_code: int = 0
    ended_s: float = 0.0

    @property
    def attack_count(self) -> int:
        """Number of all attacks."""
        return sum(map(len, self.attacks.values()))

    def slowest_ms(self) -> dict[str, int]:
        """Returns the longest delay of an honest answer while an attack was under way, by attack, in ms; longest first.

        Others were under way beside it, so that only what stands out in many runs is its own.
        """
        answers = [each for latencies in self.accounts.latencies.values() for each in latencies.values]
        found = {
            name: max((seconds for at, seconds in answers if any(a <= at <= b for a, b in spans)), default=0.0)
            for name, spans in self.attacks.items()
        }
        return {name: round(seconds * 1000) for name, seconds in sorted(found.items(), key=lambda each: -each[1])}

    def slope(self) -> Slope:
        """Returns the growth of the settled memory, without the warm-up."""
        hostile_s = self.plan.seconds - self.plan.quiet_s
        return slope(self.settled, after_s=self.plan.quiet_s + _WARMUP_SHARE * hostile_s)

    def settle(self, kept: int) -> None:
        """Takes the end of a pause: what is held then is held for nobody who attacks. `kept`: bytes of the caches."""
        at = self.memory[-1][0]
        sizes = [size for sampled_at, size in self.memory if sampled_at > at - _SETTLED_S]
        self.settled.append((at, round(median(sizes)) - kept))
        self.kept.append(kept)

    def p99_ms(self, kind: str, *, hostile: bool) -> float:
        """Returns the p99 delay of a kind of honest answer, with the hostile clients or before them."""
        latencies = self.accounts.latencies[kind]
        if hostile:
            return latencies.ms(99, since=self.hostile_from_s, until=self.hostile_until_s)
        return latencies.ms(99, until=self.hostile_from_s)

    def promises(self) -> Iterator[Promise]:
        """Yields the promises, kept or broken."""
        honest = self.accounts
        yield Promise("honest frames unaccounted", honest.unaccounted, 0)
        yield Promise("honest frames that were not scored", honest.not_scored, 0)
        yield Promise("honest frames out of order", honest.out_of_order, 0)
        yield Promise("honest showings of the clip", honest.rounds, 1, is_least=True)
        yield Promise("wrong events", honest.wrong_events, 0)
        yield Promise("wrong answers", honest.wrong_answers, 0)
        refused = sum(count for status, count in honest.statuses.items() if _REFUSED in status)
        failed = honest.statuses.total() - honest.statuses["OK"] - refused
        yield Promise("honest calls that failed", failed, 0)
        yield Promise("honest calls refused for a limit, %", 100 * refused / max(1, honest.statuses.total()), 1)
        yield Promise("health checks that were not SERVING", honest.not_serving, 0)
        yield Promise("attacks", self.attack_count, 1, is_least=True)
        yield Promise("statuses INTERNAL or UNKNOWN", sum(self.statuses[each] for each in _FAULTS), 0)
        yield Promise("frames INTERNAL", self.outcomes["INTERNAL"], 0)
        yield Promise("errors in the log", len(self.errors), 0)
        lines = self.log.total() + len(self.other_lines)
        yield Promise("log lines a minute", lines * 60 / self.plan.seconds, _MAX_LINES_A_MINUTE)
        for kind in honest.latencies:
            yield Promise(f"{kind}: p99 under attack, ms", self.p99_ms(kind, hostile=True), self.plan.p99_ms)
        growth = self.slope()
        if growth.low == growth.low:  # not NaN
            yield Promise("settled memory, MB a minute, low end", growth.low, _MAX_GROWTH_MB_MIN)
        yield Promise("exit code", self.exit_code, 0)
        yield Promise("end after SIGTERM, s", self.ended_s, _MOST_END_S)


async def run_soak(server: CountedServer, plan: Plan, report: Callable[[str], None]) -> SoakReport:
    """Runs all clients against a server, which is left running.

    Args:
        server: with the demo model.
        plan: what is to happen.
        report: called with a line about what there is so far, again and again.

    """
    honest = Honest(server.address, belt_clip())
    result = SoakReport(plan, honest.accounts)
    began = time.monotonic()
    watching = [
        asyncio.ensure_future(_sample(server, result, began)),
        asyncio.ensure_future(_report(result, began, report)),
    ]
    working = asyncio.ensure_future(honest.run(plan.cameras))
    result.hostile_from_s = result.hostile_until_s = float("inf")
    await asyncio.wait([working], timeout=plan.quiet_s)
    result.hostile_from_s = time.monotonic()
    await _attack_in_rounds(server, began + plan.seconds, result)
    result.hostile_until_s = time.monotonic()
    honest.stopped.set()
    await working
    for task in watching:
        task.cancel()
    await asyncio.gather(*watching, return_exceptions=True)
    return result


def stop(server: ServerProcess, result: SoakReport) -> None:
    """Ends the server as an operator does, and takes its log into the report."""
    began = time.monotonic()
    result.exit_code = server.stop()
    result.ended_s = time.monotonic() - began
    result.log.update(entry["event"] for entry in server.log)
    result.errors += [entry for entry in server.log if entry["level"] == "error"]
    result.other_lines += server.other_output


async def _attack_in_rounds(server: CountedServer, until: float, result: SoakReport) -> None:
    """Attacks until then, with a pause after each round, in which the memory settles."""
    number = 0
    while (left := until - time.monotonic()) > _PAUSE_S or number == 0:
        await _attack(server.address, min(_ROUND_S, left), number, result)
        number += 1
        if until - time.monotonic() >= _PAUSE_S:
            await asyncio.sleep(_PAUSE_S)
            result.settle(int(await asyncio.to_thread(server.metric, "framewatch_cache_bytes")))


async def _attack(address: str, seconds: float, seed: int, result: SoakReport) -> None:
    """Attacks with everything, and takes the hostile clients' counts into the report."""
    with attacking(address, seconds, seed=seed) as lines:
        while line := await asyncio.to_thread(lines.readline):
            row = json.loads(line)
            now = time.monotonic()
            result.attacks[row["attack"]].append((now - row["seconds"], now))
            result.statuses.update(row["statuses"])
            result.outcomes.update(row["outcomes"])


async def _sample(server: ServerProcess, result: SoakReport, began: float) -> None:
    while True:
        result.memory.append((time.monotonic() - began, Use.of(server.pid).memory_bytes))
        await asyncio.sleep(_SAMPLE_S)


async def _report(result: SoakReport, began: float, report: Callable[[str], None]) -> None:
    while True:
        await asyncio.sleep(result.plan.report_s)
        minutes, seconds = divmod(int(time.monotonic() - began), 60)
        honest = result.accounts
        memory = f"memory {result.memory[-1][1] / MB:.0f} MB" if result.memory else ""
        if result.settled:
            memory += f", settled {result.settled[-1][1] / MB:.0f} MB and caches {result.kept[-1] / MB:.0f} MB"
        frames = f"frames {honest.sent}, without an outcome {honest.unaccounted}, not scored {honest.not_scored}"
        hostile = f"attacks {result.attack_count}, INTERNAL {result.statuses['INTERNAL']}"
        others = {status: count for status, count in honest.statuses.items() if status != "OK"}
        report(
            f"{minutes}:{seconds:02} {memory}; {frames}; {hostile}; honest calls that were refused or failed {others}"
        )
