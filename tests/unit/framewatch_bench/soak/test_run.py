"""Promises of a soak, kept or broken by what its clients got."""

from __future__ import annotations

from collections import Counter

import pytest

from framewatch_bench.soak.accounts import Accounts
from framewatch_bench.soak.run import Plan, SoakReport

PLAN = Plan(seconds=60, cameras=1, report_s=1, p99_ms=100)


def report(**changes: object) -> SoakReport:
    """A report of clients that all got what they were promised, with changes."""
    honest = Accounts(sent=3, outcomes=Counter(SCORED=3), rounds=1, statuses=Counter(OK=200))
    for latencies in honest.latencies.values():
        latencies.values = [(1.0, 0.01), (20.0, 0.05)]
    result = SoakReport(PLAN, honest, attacks={"garbage": [(15, 25)]}, hostile_from_s=10, hostile_until_s=50)
    for name, value in changes.items():
        setattr(result if hasattr(result, name) else honest, name, value)
    return result


def broken(result: SoakReport) -> list[str]:
    return [promise.name for promise in result.promises() if not promise.is_kept]


def test_nothing_is_broken_if_everybody_got_what_was_promised() -> None:
    assert broken(report()) == []


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        pytest.param({"sent": 4}, "honest frames unaccounted", id="frame without an outcome"),
        pytest.param({"rounds": 0}, "honest showings of the clip", id="nothing shown"),
        pytest.param({"wrong_events": 1}, "wrong events", id="wrong event"),
        pytest.param({"out_of_order": 1}, "honest frames out of order", id="disorder"),
        pytest.param({"not_serving": 1}, "health checks that were not SERVING", id="health"),
        pytest.param({"attacks": {}}, "attacks", id="no attack"),
        pytest.param({"errors": [{}]}, "errors in the log", id="error"),
        pytest.param({"other_lines": [""] * 100}, "log lines a minute", id="noise"),
        pytest.param({"exit_code": 1}, "exit code", id="exit code"),
        pytest.param({"ended_s": 46.0}, "end after SIGTERM, s", id="slow end"),
    ],
)
def test_each_promise_can_be_broken(changes: dict[str, object], name: str) -> None:
    assert broken(report(**changes)) == [name]


@pytest.mark.parametrize(
    ("statuses", "name"),
    [
        pytest.param({"UNKNOWN": 1}, "statuses INTERNAL or UNKNOWN", id="unknown"),
        pytest.param({"INTERNAL": 1}, "statuses INTERNAL or UNKNOWN", id="internal"),
    ],
)
def test_a_hostile_call_that_finds_a_fault_breaks_a_promise(statuses: dict[str, int], name: str) -> None:
    result = report()
    result.statuses.update(statuses)
    assert broken(result) == [name]


def test_honest_calls_may_be_refused_for_a_limit_but_rarely() -> None:
    result = report()
    result.accounts.statuses["RESOURCE_EXHAUSTED LIMIT_EXCEEDED"] = 2
    assert broken(result) == []
    result.accounts.statuses["RESOURCE_EXHAUSTED LIMIT_EXCEEDED"] = 3
    assert broken(result) == ["honest calls refused for a limit, %"]
    result.accounts.statuses["INTERNAL INTERNAL"] = 1
    assert "honest calls that failed" in broken(result)


def test_delays_before_the_attacks_are_counted_apart() -> None:
    result = report()
    assert result.p99_ms("frame", hostile=False) == pytest.approx(10)
    assert result.p99_ms("frame", hostile=True) == pytest.approx(50)


def test_the_longest_delay_is_counted_for_each_attack_that_was_under_way() -> None:
    result = report(attacks={"garbage": [(15, 25), (0.5, 1.5)], "resets": [(0, 5)], "takeovers": [(30, 40)]})
    assert result.slowest_ms() == {"garbage": 50, "resets": 10, "takeovers": 0}
    assert list(result.slowest_ms()) == ["garbage", "resets", "takeovers"]


def test_memory_is_taken_at_the_end_of_a_pause_without_caches() -> None:
    result = report(memory=[(float(second), 900 if second < 96 else 500 + second) for second in range(101)])
    result.settle(kept=100)
    assert (result.settled, result.kept) == ([(100.0, 498)], [100])
