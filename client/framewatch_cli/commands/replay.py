"""The command `framewatch replay`."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from framewatch_cli.commands.actions import ExitCode, Output
from framewatch_cli.commands.options import Flag, load_rules, with_trails
from framewatch_cli.rules.replaying import replayed_event
from framewatch_cli.rules.score_files import iter_recording
from framewatch_cli.terminal.live import print_json
from framewatch_cli.terminal.render import event_line, explanation_report, trail_line
from framewatch_client import Event
from framewatch_core.rules.replay import RecordedFrame, Replay
from framewatch_core.time import NS_PER_S


def replay(scores: Path, /, *, rules: Path, explain: Flag = False, json: Flag = False) -> int:
    """Run rules over recorded scores, without a server or a model, to try thresholds.

    Parameters
    ----------
    scores
        What "framewatch watch --json" printed, or "framewatch calibrate --scores" wrote. Frames whose pictures had a
        problem are held back from the rules as they were then.
    rules
        A rules file; only its rules count, so its pictures need not be there.
    explain
        Show the scores that led to each event and, at the end, what every rule waits for and what holds it back.
    json
        Print each event as one line of JSON, as "framewatch watch --json" does.

    """
    file = load_rules(rules)
    running = Replay(with_trails(file.rules) if explain else file.rules)
    output, span = Output(json), _Span()
    start_s = time.monotonic()
    events = list(running.events(span.of(iter_recording(scores))))
    elapsed_s = time.monotonic() - start_s
    for number, seen in enumerate(events, 1):
        _show(replayed_event(seen, number), output)
    if explain and not json:
        told = ((found.rule.name, found.next_kind, found.message) for found in running.explain())
        output.results.print()
        output.results.print(explanation_report(told))
    output.say(span.told(elapsed_s), style="dim")
    return ExitCode.OK


class _Span:
    """Counts frames that pass by, and how much time they cover."""

    def __init__(self) -> None:
        self._count = 0
        self._first_ns = self._last_ns = 0

    def of(self, frames: Iterable[RecordedFrame]) -> Iterator[RecordedFrame]:
        for frame in frames:
            if not self._count:
                self._first_ns = frame.at.time_ns
            self._count, self._last_ns = self._count + 1, frame.at.time_ns
            yield frame

    def told(self, elapsed_s: float) -> str:
        elapsed_s = max(elapsed_s, 1e-9)
        covered_s = (self._last_ns - self._first_ns) / NS_PER_S
        return (
            f"{self._count:,} frames in {elapsed_s:.2f} s: {self._count / elapsed_s:,.0f} frames/s, "
            f"{covered_s / elapsed_s:,.0f} × real time"
        )


def _show(event: Event, output: Output) -> None:
    if output.json:
        print_json(event.message)
        return
    output.results.print(event_line(event), soft_wrap=True)
    if event.trail is not None:
        output.results.print(trail_line(event.trail), soft_wrap=True)
