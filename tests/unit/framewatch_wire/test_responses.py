from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from framewatch.v1 import framewatch_pb2 as pb
from framewatch_core.stream.messages import ConfigWarnings, Explanation, StreamResponse, StreamStarted
from framewatch_wire.responses import (
    response_from_proto,
    response_to_proto,
    stream_started_from_proto,
    stream_started_to_proto,
)
from tests.unit.framewatch_wire.sent import sent
from tests.unit.framewatch_wire.values import (
    COUNTS,
    EVENTS,
    FRAME_IDS,
    FRAME_RESULTS,
    HEALTH_EVENTS,
    RULE_EXPLANATIONS,
    TEXTS,
    TIMES_NS,
    WARNINGS,
)

STARTED = st.builds(
    StreamStarted,
    model=TEXTS,
    config_version=COUNTS,
    useful_short_side=COUNTS,
    in_flight_frame_count=COUNTS,
    max_image_bytes=FRAME_IDS,
    resume_token=TEXTS,
    resume_lifetime_ns=TIMES_NS,
    resumed=st.booleans(),
    resume_point=st.none(),
    weights_digest=TEXTS,
)
RESPONSES: st.SearchStrategy[StreamResponse] = st.one_of(
    FRAME_RESULTS,
    EVENTS,
    HEALTH_EVENTS,
    STARTED,
    st.builds(Explanation, st.lists(RULE_EXPLANATIONS, max_size=2).map(tuple)),
    st.builds(ConfigWarnings, COUNTS, WARNINGS),
)


@given(RESPONSES)
def test_every_response_arrives_as_it_was(value: StreamResponse) -> None:
    assert response_from_proto(sent(response_to_proto(value))) == value


@given(STARTED)
def test_the_start_arrives_as_it_was(started: StreamStarted) -> None:
    assert stream_started_from_proto(sent(stream_started_to_proto(started))) == started


def test_a_case_that_is_not_known_is_none() -> None:
    assert response_from_proto(pb.StreamFramesResponse()) is None
