from __future__ import annotations

import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import given

from framewatch_core.errors import InvalidRequest
from framewatch_wire.durations import (
    checked_duration_from_proto,
    checked_timestamp_from_proto,
    duration_from_proto,
    duration_to_proto,
    timestamp_from_proto,
    timestamp_to_proto,
)
from tests.unit.framewatch_wire.sent import sent
from tests.unit.framewatch_wire.values import TIMES_NS, WALL_TIMES_NS, S


@pytest.mark.parametrize(
    "time_ns", [0, 1, S - 1, S, S + 1, 123_456_789_012, -1, -S, -S - 1, -S + 1, 315_576_000_001 * S - 1], ids=str
)
def test_durations_round_trip(time_ns: int) -> None:
    message = duration_to_proto(time_ns)
    assert message.seconds * message.nanos >= 0, "both parts have the same sign"
    assert checked_duration_from_proto(message) == duration_from_proto(message) == time_ns


@given(TIMES_NS, WALL_TIMES_NS)
def test_times_arrive_as_they_were(time_ns: int, wall_time_ns: int) -> None:
    assert duration_from_proto(sent(duration_to_proto(time_ns))) == time_ns
    assert timestamp_from_proto(sent(timestamp_to_proto(wall_time_ns))) == wall_time_ns


@pytest.mark.parametrize(
    "message",
    [
        pytest.param(Duration(seconds=1, nanos=-1), id="signs differ"),
        pytest.param(Duration(nanos=S), id="a second of nanos"),
        pytest.param(Duration(seconds=315_576_000_001), id="too long"),
    ],
)
def test_broken_durations_are_refused(message: Duration) -> None:
    with pytest.raises(InvalidRequest):
        checked_duration_from_proto(message)


@pytest.mark.parametrize("seconds", [315_576_000_001, 2**63 - 1, -315_576_000_001, -(2**63)], ids=str)
def test_a_response_has_the_longest_duration_in_place_of_one_that_is_out_of_range(seconds: int) -> None:
    longest_ns = 315_576_000_001 * S - 1
    time_ns = duration_from_proto(Duration(seconds=seconds))
    assert time_ns == (longest_ns if seconds > 0 else -longest_ns)
    assert duration_to_proto(time_ns).ToJsonString()


@pytest.mark.parametrize(
    "message",
    [
        pytest.param(Timestamp(seconds=253_402_300_800), id="year 10000"),
        pytest.param(Timestamp(seconds=-62_135_596_801), id="year 0"),
        pytest.param(Timestamp(nanos=-1), id="negative nanos"),
        pytest.param(Timestamp(nanos=S), id="a second of nanos"),
    ],
)
def test_broken_timestamps_are_refused(message: Timestamp) -> None:
    with pytest.raises(InvalidRequest, match="years 1 to 9999"):
        checked_timestamp_from_proto(message)


@pytest.mark.parametrize("seconds", [-62_135_596_800, -1, 0, 253_402_300_799], ids=str)
def test_timestamps_are_taken_from_the_year_1_to_9999(seconds: int) -> None:
    assert checked_timestamp_from_proto(Timestamp(seconds=seconds, nanos=S - 1)) == seconds * S + S - 1
