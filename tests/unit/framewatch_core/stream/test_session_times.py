"""Times of frames that can't be trusted: outliers, and those that can't be read."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from framewatch_core.errors import FrameOutOfOrder
from framewatch_core.labels.scoring import LabelScore
from framewatch_core.rules.events import Event
from framewatch_core.rules.replay import RecordedFrame, replay
from framewatch_core.stream.config import StreamConfig
from framewatch_core.stream.messages import ReceivedFrame
from framewatch_core.stream.results import Dropped, Failed, FrameResult, Scored, Timings
from framewatch_core.stream.session import StreamSession
from framewatch_core.time import NS_PER_S, Moment
from tests.unit.framewatch_core.health.drawn import measure, noisy, room
from tests.unit.framewatch_core.stream.test_session_health import BLACK, GOOD, WHOLE, Watched, whole
from tests.unit.framewatch_core.stream.test_session_resume import (
    CONFIG,
    FRAMES,
    LIMITS,
    SLOW,
    Client,
    Item,
    frame,
    play,
    scores,
    split,
    unsplit,
)

GAP = replace(CONFIG, max_frame_gap_ns=NS_PER_S)
SLOW_GAP = replace(SLOW, max_frame_gap_ns=NS_PER_S)
RATE_GAP = replace(SLOW_GAP, max_frame_rate=7)


def with_outliers(places: dict[int, float]) -> list[ReceivedFrame[float]]:
    """The frames of a tenth of a second each; by number, how many seconds a further one before it is ahead."""
    items: list[ReceivedFrame[float]] = []
    for number, each in enumerate(FRAMES):
        assert isinstance(each, ReceivedFrame)
        if number in places:
            items.append(frame(2 * number - 1, 1.0, number / 10 + places[number]))
        items.append(replace(each, frame_id=2 * number))
    return items


def without(outputs: list[object], frame_ids: set[int]) -> list[object]:
    return [output for output in outputs if not (isinstance(output, tuple) and output[0] in frame_ids)]


@settings(deadline=None)
@given(
    st.dictionaries(st.integers(2, len(FRAMES) - 1), st.floats(1.5, 1e6), max_size=5),
    st.sampled_from([GAP, SLOW_GAP, RATE_GAP]),
    st.lists(st.tuples(st.integers(0, 20), st.integers(0, 40), st.integers(0, 2)), max_size=3),
)
def test_lone_outliers_change_no_event_and_no_other_outcome(
    places: dict[int, float], config: StreamConfig, cuts: list[tuple[int, int, int]]
) -> None:
    plain = unsplit([*with_outliers({})], config)
    outputs = split([*with_outliers(places)], cuts, config)
    ids = {2 * number - 1 for number in places}
    assert without(outputs, ids) == plain
    assert sum(isinstance(output, tuple) and output[0] in ids and output[2] is Scored for output in outputs) == len(ids)


@given(st.lists(st.tuples(st.floats(0.1, 3), st.sampled_from([0.1, 0.6, 0.9])), max_size=20))
def test_a_replay_has_the_events_of_the_stream(steps: list[tuple[float, float]]) -> None:
    """The times show whether a frame that the rules did not see was held, or has a time that is an outlier."""
    items: list[Item] = []
    time_s = 0.0
    for number, (step_s, box) in enumerate(steps):
        time_s += step_s
        items.append(frame(number, box, time_s))
    client = Client(SLOW_GAP, items)
    assert play(StreamSession("s", LIMITS), client, sent=10**6, received=10**6)
    results = [output for output in client.outputs if isinstance(output, FrameResult)]
    recorded = [
        RecordedFrame(
            Moment(result.frame_id, result.time_ns),
            {region.region_id: region.scores for region in result.regions},
            frozenset(region.region_id for region in result.regions if region.suspended),
        )
        for result in results
    ]
    events = [replace(output, event_id="") for output in client.outputs if isinstance(output, Event)]
    assert replay(recorded, SLOW_GAP.rules, NS_PER_S) == events


def test_health_and_rules_do_not_see_an_outlier() -> None:
    watched = Watched()
    watched.show(0.9, whole(GOOD), 3)
    watched.show(0.1, whole(BLACK), ahead_s=900)
    assert watched.regions(4)[0].suspended
    assert watched.regions(4)[0].problem is None
    watched.show(0.9, whole(GOOD))
    assert not watched.regions(5)[0].suspended
    watched.show(0.1, whole(GOOD))
    assert watched.events() == ["ENTERED box", "EXITED box"]


def test_once_the_clock_has_moved_all_goes_on_from_there() -> None:
    watched = Watched()
    watched.show(0.9, whole(GOOD), 3)
    for _ in range(3):
        watched.show(0.1, whole(measure(noisy(room()))), ahead_s=900)
    assert [watched.regions(number)[0].suspended for number in (4, 5, 6)] == [True, False, False]
    assert watched.briefly() == ["1", "ENTERED box", "2", "3", "4", "5", "EXITED box", "6"]


def test_a_config_waits_for_a_frame_that_is_no_outlier() -> None:
    watched = Watched()
    watched.show(0.9, whole(GOOD), 3)
    watched.session.configure(replace(WHOLE, rules=()), "")
    watched.show(0.9, None, ahead_s=900)
    assert watched.events() == ["ENTERED box"]
    watched.show(0.9, None)
    exited = watched.outputs[-1]
    assert isinstance(exited, Event)
    assert (exited.at.frame_id, exited.present_ns) == (5, NS_PER_S * 4 // 10)


def test_an_outlier_does_not_move_the_beat_of_the_frame_rate() -> None:
    watched = Watched(replace(WHOLE, max_frame_rate=5))
    assert outcomes(watched, [(1, 0), (2, 0), (3, 0), (4, 900), (5, 0), (6, 0), (7, 0)]) == ".d...d."


def outcomes(watched: Watched, frames: list[tuple[int, int]]) -> str:
    """Returns a letter for each frame, given by number and how far its time is ahead: scored, dropped or failed."""
    for number, ahead_s in frames:
        watched.session.receive(ReceivedFrame(number, number * NS_PER_S // 10 + ahead_s * NS_PER_S, 0.1), 0)
        for work in iter(watched.session.next_work, None):
            watched.session.complete(work, {"": (LabelScore("box", 0.1, 0.1),)}, Timings())
    results = [output for output in iter(watched.session.next_output, None) if isinstance(output, FrameResult)]
    return "".join({Scored: ".", Dropped: "d", Failed: "f"}[type(result.outcome)] for result in results)


UNREADABLE = FrameOutOfOrder("the duration is out of range", "frame.time_offset")


@pytest.mark.parametrize("before", [0, 1, 3], ids=["the first frame", "the second", "a later one"])
@pytest.mark.parametrize("gives_time", [True, False], ids=["with times", "by arrival"])
def test_a_frame_whose_time_can_not_be_read_fails_alone(before: int, gives_time: bool) -> None:
    session = StreamSession[float, None]("s", LIMITS)
    session.configure(CONFIG, None)
    for number in range(1, 7):
        time_ns = UNREADABLE if number == before + 1 else number * NS_PER_S if gives_time else None
        session.receive(ReceivedFrame(number, time_ns, 0.1), 1_000 * number)
        for work in iter(session.next_work, None):
            session.complete(work, {"": scores(work.image)}, Timings())
    results = [output for output in iter(session.next_output, None) if isinstance(output, FrameResult)]
    failed = [result.frame_id for result in results if isinstance(result.outcome, Failed)]
    assert failed == [before + 1]
    assert [result.time_ns for result in results] == sorted(result.time_ns for result in results)
