from __future__ import annotations

import pytest
from google.protobuf.duration_pb2 import Duration
from hypothesis import given

from framewatch_core.errors import InvalidRequest
from framewatch_wire.durations import (
    checked_duration_from_proto,
    duration_from_proto,
    duration_to_proto,
    timestamp_from_proto,
    timestamp_to_proto,
)
from tests.unit.framewatch_wire.sent import sent
from tests.unit.framewatch_wire.values import TIMES_NS, WALL_TIMES_NS, S


@pytest.mark.parametrize(
    "time_ns", [0, 1, S - 1, S, S + 1, 123_456_789_012, -1, -S, -S - 1, -S + 1, 315_576_000_000 * S], ids=str
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
