"""Time of a call beyond tower and decoding."""

import pytest

from framewatch_bench.towers.call import CallReport, CallRound
from framewatch_server.vision.towers.null import null_encoder


def test_the_difference_is_taken_within_a_round_and_then_the_median() -> None:
    slow, usual, quick = CallRound(100.0, 80.0, 18.0), CallRound(50.0, 40.0, 9.0), CallRound(25.0, 20.0, 2.0)
    report = CallReport(null_encoder().info, (slow, usual, quick))
    assert [each.beyond_ms for each in report.rounds] == [2.0, 1.0, 3.0]
    assert report.median(lambda each: each.beyond_ms) == pytest.approx(2.0)
    assert report.median(lambda each: each.call_ms) == pytest.approx(50.0)
