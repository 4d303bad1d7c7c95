"""Counts of events."""

from __future__ import annotations

from framewatch_cli.watching.summary import WatchSummary
from framewatch_client import EventKind, ExitReason
from tests.unit.framewatch_cli.watching.items import event


def test_an_exit_of_a_rule_that_was_changed_ends_its_presence() -> None:
    summary = WatchSummary()
    for each in (
        event(EventKind.ENTERED, 1.0, 1.0),
        event(EventKind.EXITED, 4.0, 4.0, 3.0, exit_reason=ExitReason.RECONFIGURED),
        event(EventKind.ENTERED, 4.0, 4.0),
        event(EventKind.EXITED, 6.0, 5.0, 1.0, exit_reason=ExitReason.ABSENT),
    ):
        summary.add(each)
    (rule,) = summary.rules.values()
    assert (rule.entered_count, rule.exited_count, rule.present_until(10.0)) == (2, 2, 4.0)
    assert rule.present_since_s is None
