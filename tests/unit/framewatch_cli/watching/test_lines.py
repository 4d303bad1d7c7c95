"""Events, failures and summaries as people see them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from framewatch_cli.watching.lines import counter_line, event_line, failure_line, health_event_line, summary_tables
from framewatch_cli.watching.summary import WatchSummary
from framewatch_client import (
    Event,
    EventKind,
    ExitReason,
    FrameError,
    FrameErrorReason,
    FrameStatus,
    HealthEvent,
    HealthEventKind,
    HealthProblem,
    event_rule,
)
from framewatch_core.time import NS_PER_S
from tests.unit.framewatch_cli.watching.items import event, health_event, result, reused, shown


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        (event(EventKind.ENTERED, 3.2, 2.9), "ENTERED box  00:03.200 (began 00:02.900, frame 32)  score 0.93"),
        (
            event(EventKind.EXITED, 5.0, 4.7, 1.8, score=0.2),
            "EXITED  box  00:05.000 (began 00:04.700, frame 50)  score 0.20  present 1.8 s",
        ),
        (
            event(EventKind.ENTERED, 3.2, 2.9, rule_id="r[1]"),
            "ENTERED box [r[1]]  00:03.200 (began 00:02.900, frame 32)  score 0.93",
        ),
        (
            event(EventKind.ENTERED, 3.2, 2.9, rule_id="box left", region_id="left"),
            "ENTERED box in left  00:03.200 (began 00:02.900, frame 32)  score 0.93",
        ),
        (
            event(EventKind.ENTERED, 3.2, 2.9, sparse=True),
            "ENTERED box  00:03.200 (began 00:02.900, frame 32)  score 0.93  frames were missing",
        ),
        (
            event(EventKind.EXITED, 5.0, 5.0, 1.8, score=0.9, exit_reason=ExitReason.RECONFIGURED),
            "EXITED  box  00:05.000 (began 00:05.000, frame 50)  score 0.90  present 1.8 s  the rule was changed",
        ),
    ],
    ids=["entered", "exited", "rule with a name", "in a region", "sparse", "reconfigured"],
)
def test_event_line(seen: Event, expected: str) -> None:
    assert event_line(seen).plain == expected


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        (
            health_event(HealthEventKind.SUSPENDED, 3.2, 2.2, problem=HealthProblem.SCENE_CHANGED),
            "SUSPENDED in left  00:03.200 (began 00:02.200, frame 32)  problem: scene changed",
        ),
        (
            health_event(HealthEventKind.RESUMED, 9.0, 8.0, region_id=""),
            "RESUMED  00:09.000 (began 00:08.000, frame 90)",
        ),
    ],
    ids=["suspended", "resumed"],
)
def test_health_event_line(seen: HealthEvent, expected: str) -> None:
    assert health_event_line(seen).plain == expected


def test_event_line_has_wall_time() -> None:
    wall_time = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    origin_ns = int(wall_time.timestamp()) * NS_PER_S - 3_200_000_000
    line = event_line(event(EventKind.ENTERED, 3.2, 2.9, origin_time_ns=origin_ns)).plain
    assert line.endswith(f"  {wall_time.astimezone():%Y-%m-%d %H:%M:%S}")


def test_failure_line() -> None:
    line = failure_line(7, FrameError(FrameErrorReason.UNDECODABLE_IMAGE, "the bytes end early")).plain
    assert line == "FAILED  frame 7: the bytes end early [UNDECODABLE_IMAGE]"


def test_summary_counts() -> None:
    summary = WatchSummary.of([event_rule("box", 0.8), event_rule("dog", 0.8)])
    summary.sent = 9
    for item in [
        result(0.0),
        result(1.0),
        event(EventKind.ENTERED, 1.0, 0.5),
        result(2.0, FrameStatus.DROPPED),
        result(3.0),
        event(EventKind.EXITED, 3.0, 2.5, 2.0),
        result(4.0, FrameStatus.FAILED),
        result(5.0),
        event(EventKind.ENTERED, 5.0, 4.5),
        reused(result(6.0), 50),
    ]:
        summary.add(item)
    assert (summary.scored, summary.dropped, summary.failed, summary.unanswered) == (5, 1, 1, 2)
    assert summary.reused == 1
    assert "5 scored (1 of them unchanged)" in shown(summary_tables(summary, source="belt.mp4", elapsed_s=1.0))
    box = summary.rules["box"]
    assert (box.entered_count, box.exited_count, box.present_until(6.0)) == (2, 1, 3.5)
    assert summary.rules["dog"].present_until(6.0) == 0.0
    assert summary.event_count == 3


def test_suspensions_are_counted_and_shown() -> None:
    summary = WatchSummary.of([event_rule("box", 0.8)])
    for kind in (HealthEventKind.SUSPENDED, HealthEventKind.RESUMED):
        summary.add(health_event(kind, 1.0, 0.5))
    assert (summary.suspended_count, summary.event_count) == (1, 0)
    assert list(summary.rules) == ["box"]
    assert "1 suspension" in counter_line(summary).plain
    assert "1 suspension" in shown(summary_tables(summary, source="belt.mp4", elapsed_s=1.0))
