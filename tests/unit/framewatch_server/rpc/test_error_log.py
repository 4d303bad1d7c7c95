"""The log of the server's own faults."""

from __future__ import annotations

import pytest
from structlog.testing import capture_logs

from framewatch_server.rpc.error_log import ErrorLog


def fault(error: Exception) -> Exception:
    try:
        raise error  # noqa: TRY301
    except Exception as raised:
        return raised


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_fault_of_every_frame_is_logged_now_and_then_with_the_count() -> None:
    clock = Clock()
    log = ErrorLog(clock)
    with capture_logs() as entries:
        ids = [log.report(fault(ValueError(str(i)))) for i in range(1000)]
        clock.now = 61.0
        later = log.report(fault(ValueError("again")))
    assert [entry.get("since_the_last_entry") for entry in entries] == [None, 999]
    assert set(ids) == {entries[0]["error_id"]}, "every caller's id is in the log"
    assert later == entries[1]["error_id"] != ids[0]


def test_other_faults_are_logged_beside_it() -> None:
    log = ErrorLog(Clock())
    with capture_logs() as entries:
        ids = {log.report(fault(error)) for error in (ValueError("x"), KeyError("x"), ValueError("y"))}
        ids.add(log.report(ValueError("raised nowhere")))
    assert len(entries) == len(ids) == 3


@pytest.mark.parametrize("count", [1000])
def test_kinds_are_bounded(count: int) -> None:
    log = ErrorLog(Clock())
    with capture_logs():
        for i in range(count):
            log.report(type(f"Error{i}", (Exception,), {})())
    assert len(log._kinds) == 100
