"""Intervals as people write them."""

from __future__ import annotations

import pytest

from framewatch_core.calibration.intervals import Interval, complement, parse_intervals
from framewatch_core.errors import InvalidRequest
from tests.intervals import interval

S = interval


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("6.1s-20.2s", (S(6.1, 20.2),), id="one"),
        pytest.param("6.1-20.2", (S(6.1, 20.2),), id="without a unit"),
        pytest.param(" 30s - 41.5s ,6s-7s", (S(6, 7), S(30, 41.5)), id="sorted, with blanks"),
        pytest.param("0-.5s", (S(0, 0.5),), id="from 0"),
        pytest.param("12:05-12:40.5", (S(725, 760.5),), id="minutes and seconds"),
        pytest.param("59:00-1:00:01", (S(3540, 3601),), id="an hour"),
        pytest.param("9s-end", (S(9, 100),), id="to the end"),
    ],
)
def test_intervals_are_read(text: str, expected: tuple[Interval, ...]) -> None:
    assert parse_intervals(text, end_ns=100_000_000_000) == expected


def test_an_unknown_end_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="end is not known"):
        parse_intervals("9s-end")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("", "can't be read", id="nothing"),
        pytest.param("6.1s", "such as 6.1s-20.2s", id="no end"),
        pytest.param("-1s-3s", "can't be read", id="negative"),
        pytest.param("3m-4m", "can't be read", id="another unit"),
        pytest.param("6-7,", "''", id="comma at the end"),
        pytest.param("7-6", "a later end", id="backwards"),
        pytest.param("6-6", "a later end", id="empty"),
        pytest.param("1-5,4-6", "without overlap", id="overlap"),
    ],
)
def test_other_texts_are_refused(text: str, message: str) -> None:
    with pytest.raises(InvalidRequest, match=message):
        parse_intervals(text)


def test_ends() -> None:
    span = S(1, 2)
    assert 1_000_000_000 in span
    assert 2_000_000_000 not in span
    assert span.overlap_ns(S(1.5, 9)) == 500_000_000
    assert span.overlap_ns(S(2, 9)) == 0


@pytest.mark.parametrize(
    ("intervals", "expected"),
    [
        pytest.param((), (S(0, 10),), id="nothing"),
        pytest.param((S(2, 3), S(5, 6)), (S(0, 2), S(3, 5), S(6, 10)), id="inside"),
        pytest.param((S(0, 3), S(5, 10)), (S(3, 5),), id="at the ends"),
        pytest.param((S(5, 12),), (S(0, 5),), id="beyond the end"),
        pytest.param((S(12, 13),), (S(0, 10),), id="after the end"),
        pytest.param((S(0, 10),), (), id="all of it"),
    ],
)
def test_complement(intervals: tuple[Interval, ...], expected: tuple[Interval, ...]) -> None:
    assert complement(intervals, 10_000_000_000) == expected
