"""The command `framewatch replay`."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from framewatch_cli.commands.options.files import load_rules, with_trails
from framewatch_cli.commands.options.parameters import Flag
from framewatch_cli.rules.score_files import iter_recording
from framewatch_cli.terminal.json_lines import print_line
from framewatch_cli.terminal.output import ExitCode, Output
from framewatch_cli.watching.lines import event_line, explanation_report, trail_line
from framewatch_client import Event
from framewatch_core.rules.replay import RecordedFrame, Replay
from framewatch_core.time import NS_PER_S
from framewatch_wire.json_lines import response_json


def replay(scores: Path, /, *, rules: Path, explain: Flag = False, json: Flag = False) -> int:
    """Run rules over recorded scores, without a server or a model, to try thresholds.

    Parameters
    ----------
    scores
        The output of "framewatch watch --json", or the file of "framewatch calibrate --scores". Frames whose pictures
        had a problem are held back from the rules as they were then.
    rules
        A rules file. Only its rules are used, so its pictures need not be there.
    explain
        Show the scores that led to each event and, at the end, what every rule waits for and what holds it back.
    json
        Print each event as one line of JSON, as "framewatch watch --json" does.

    """
    file = load_rules(rules)
    running = Replay(with_trails(file.rules) if explain else file.rules)
    output, counter = Output(json), _FrameCounter()
    start_s = time.monotonic()
    events = list(running.events(counter.counted(iter_recording(scores))))
    elapsed_s = time.monotonic() - start_s
    for number, event in enumerate(events, 1):
        _print(replace(event, event_id=f"replay-{number}"), output)
    if explain and not json:
        rows = ((rule.rule_id, rule.next_kind, rule.message) for rule in running.explain())
        output.results.print()
        output.results.print(explanation_report(rows))
    output.print_hint(counter.rate_line(elapsed_s))
    return ExitCode.OK


class _FrameCounter:
    """Number of frames that passed by, and the frame time that they cover."""

    def __init__(self) -> None:
        self._count = 0
        self._first_ns = self._last_ns = 0

    def counted(self, frames: Iterable[RecordedFrame]) -> Iterator[RecordedFrame]:
        """Yields the frames and counts them."""
        for frame in frames:
            if not self._count:
                self._first_ns = frame.at.time_ns
            self._count, self._last_ns = self._count + 1, frame.at.time_ns
            yield frame

    def rate_line(self, elapsed_s: float) -> str:
        """Returns the count and the speed as a line."""
        elapsed_s = max(elapsed_s, 1e-9)
        covered_s = (self._last_ns - self._first_ns) / NS_PER_S
        return (
            f"{self._count:,} frames in {elapsed_s:.2f} s: {self._count / elapsed_s:,.0f} frames/s, "
            f"{covered_s / elapsed_s:,.0f} × real time"
        )


def _print(event: Event, output: Output) -> None:
    if output.json:
        print_line(response_json(event))
        return
    output.results.print(event_line(event), soft_wrap=True)
    if event.trail is not None:
        output.results.print(trail_line(event.trail), soft_wrap=True)
