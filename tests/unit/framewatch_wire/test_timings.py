from __future__ import annotations

from hypothesis import given

from framewatch.v1 import framewatch_pb2 as pb
from framewatch_core.stream.results import Timings
from framewatch_wire.timings import timings_from_proto, timings_to_proto
from tests.unit.framewatch_wire.sent import sent
from tests.unit.framewatch_wire.values import TIMINGS


@given(TIMINGS)
def test_timings_arrive_as_they_were(timings: Timings) -> None:
    assert timings_from_proto(sent(timings_to_proto(timings))) == timings


def test_no_timings_are_zeros() -> None:
    assert timings_from_proto(pb.Timings()) == Timings()
