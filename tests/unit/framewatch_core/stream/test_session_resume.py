"""A stream that is lost and taken over has the outputs of one that is not lost."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from framewatch_core.errors import UndecodableImage
from framewatch_core.health.events import HealthEvent
from framewatch_core.health.monitor import HealthPolicy, HealthProblem
from framewatch_core.images.statistics import PictureStats
from framewatch_core.labels.labels import LabelSet
from framewatch_core.labels.scoring import LabelScore
from framewatch_core.resume_point import ResumePoint
from framewatch_core.rules.events import Event
from framewatch_core.stream.config import OverflowPolicy, StreamConfig
from framewatch_core.stream.messages import Output, ReceivedFrame, Started
from framewatch_core.stream.results import Dropped, FrameResult, Scored, Timings
from framewatch_core.stream.resume import MAX_KEPT_EVENTS, MAX_RELEASED_FRAMES, StreamState
from framewatch_core.stream.session import SessionLimits, StreamSession
from framewatch_core.time import NS_PER_S
from tests.rules import quick_rule
from tests.unit.framewatch_core.health.drawn import measure, room, uniform

LIMITS = SessionLimits(running=3, waiting=4, unsent=50)
CONFIG = StreamConfig(LabelSet.of(["box", "empty"]), (quick_rule("box", 0.8, 0.5), quick_rule("box", 0.5, id="low")))
OTHER = replace(CONFIG, rules=(CONFIG.rules[0], quick_rule("empty", 0.4)))

GOOD, BLACK = measure(room()), measure(uniform(0))

Item = ReceivedFrame[float] | StreamConfig


def frame(frame_id: int, box: float, time_s: float | None = None) -> ReceivedFrame[float]:
    time_ns = round((frame_id / 10 if time_s is None else time_s) * NS_PER_S)
    return ReceivedFrame(frame_id, time_ns, box)


@dataclass
class Client:
    """A client: the outputs that it has, and the items that it must send again."""

    config: StreamConfig
    items: list[Item]
    outputs: list[Output] = field(default_factory=list)
    last_frame_id: int | None = None
    last_event_id: str = ""

    def take(self, output: Output) -> None:
        match output:
            case Event() | HealthEvent():
                self.last_event_id = output.event_id
            case FrameResult():
                self.last_frame_id = output.frame_id
                while isinstance(item := self.items.pop(0), StreamConfig):
                    self.config = item
        if not isinstance(output, Started):
            self.outputs.append(output)

    @property
    def point(self) -> ResumePoint:
        return ResumePoint("", self.last_frame_id, self.last_event_id)


Pictures = Callable[[float], Mapping[str, PictureStats] | None]
"""Returns picture statistics for a frame, by its score."""


def no_pictures(_: float) -> None:
    """Health is not assessed."""


def play(
    session: StreamSession[float, None],
    client: Client,
    *,
    sent: int,
    received: int,
    keep: int = 0,
    pictures: Pictures = no_pictures,
) -> bool:
    """The client sends so many items and receives so many outputs; returns whether all is out.

    `keep`: so many frames are under way all the time, and are scored last to first.
    """
    session.configure(client.config, None)
    items, left = client.items[:sent], received
    works = []
    outs: list[Output] = []
    for item in items:
        if isinstance(item, StreamConfig):
            session.configure(item, None)
        else:
            session.receive(item, 0)
        while len(works) <= keep and (work := session.next_work()) is not None:
            works.append(work)
        while len(works) > keep:
            work = works.pop()
            session.complete(work, {"": scores(work.image)}, Timings(), pictures(work.image))
        outs.extend(iter(session.next_output, None))
    if sent >= len(client.items):
        for work in [*works, *iter(session.next_work, None)]:
            session.complete(work, {"": scores(work.image)}, Timings(), pictures(work.image))
        session.close_input()
    outs.extend(iter(session.next_output, None))
    for output in outs[:left]:
        client.take(output)
    return session.finished and len(outs) <= left


def scores(box: float) -> tuple[LabelScore, ...]:
    return LabelScore("box", box, box / 2), LabelScore("empty", 1 - box, 0.1)


def comparable(outputs: list[Output]) -> list[object]:
    """The parts of outputs that must be the same; versions of configs start anew with each stream."""
    return [
        (o.frame_id, o.time_ns, type(o.outcome), getattr(o.outcome, "regions", getattr(o.outcome, "reason", None)))
        if isinstance(o, FrameResult)
        else o
        for o in outputs
    ]


def unsplit(items: list[Item], config: StreamConfig = CONFIG, pictures: Pictures = no_pictures) -> list[object]:
    client = Client(config, list(items))
    assert play(StreamSession("s", LIMITS), client, sent=10**6, received=10**6, pictures=pictures)
    return comparable(client.outputs)


def split(
    items: list[Item],
    cuts: list[tuple[int, int, int]],
    config: StreamConfig = CONFIG,
    pictures: Pictures = no_pictures,
) -> list[object]:
    """Outputs if the connection is lost after so many items sent and outputs received, again and again."""
    client = Client(config, list(items))
    session = StreamSession[float, None]("s", LIMITS)
    for sent, received, keep in cuts:
        play(session, client, sent=sent, received=received, keep=keep, pictures=pictures)
        state = session.hand_over()
        assert session.next_output() is None
        session = StreamSession("another", LIMITS)
        session.take_over(state, client.point)
    assert play(session, client, sent=10**6, received=10**6, pictures=pictures)
    return comparable(client.outputs)


BOXES = [0.1, 0.9, 0.9, 0.2, 0.1, 0.6, 0.9, 0.9, 0.6, 0.3, 0.9, 0.1]
FRAMES: list[Item] = [frame(i, box) for i, box in enumerate(BOXES)]
SLOW = replace(
    CONFIG,
    rules=(quick_rule("box", 0.8, 0.5, min_present_ns=NS_PER_S // 10, min_absent_ns=NS_PER_S // 10), *CONFIG.rules[1:]),
)


@pytest.mark.parametrize("keep", [0, 2], ids=["one by one", "some under way"])
@pytest.mark.parametrize("config", [CONFIG, SLOW, replace(CONFIG, max_frame_rate=5)], ids=["quick", "slow", "rate"])
def test_split_at_every_point_the_outputs_are_the_same(config: StreamConfig, keep: int) -> None:
    expected = unsplit(FRAMES, config)
    assert sum(isinstance(o, Event) for o in expected) >= 4
    for sent in range(len(FRAMES) + 1):
        for received in range(len(expected) + 2):
            assert split(FRAMES, [(sent, received, keep)], config) == expected, (sent, received)


def test_lost_again_and_again_the_outputs_are_the_same() -> None:
    expected = unsplit(FRAMES)
    for received in (1, 2, 3):  # the first is `started`: with it alone nothing moves on
        cuts = [(3, received, 1)] * (2 * len(expected))
        assert split(FRAMES, cuts) == expected


items_of_streams = st.lists(
    st.one_of(
        st.tuples(st.just("frame"), st.integers(0, 3), st.sampled_from([0.1, 0.5, 0.6, 0.8, 0.95]), st.integers(0, 3)),
        st.tuples(st.just("broken"), st.integers(0, 2), st.just(0.0), st.integers(-2, 2)),
        st.tuples(st.just("config"), st.just(0), st.sampled_from([0, 1]), st.just(0)),
    ),
    max_size=14,
)
cuts_of_streams = st.lists(st.tuples(st.integers(0, 15), st.integers(0, 30), st.integers(0, 2)), max_size=4)


def build(parts: list[tuple[str, int, float, int]]) -> list[Item]:
    """Frames of rising numbers, with gaps, some broken or back in time, and configs between them."""
    items: list[Item] = []
    frame_id, time_s = 0, 5.0
    for kind, step, value, ticks in parts:
        if kind == "config":
            items.append((CONFIG, OTHER)[int(value)])
            continue
        frame_id += 1 + step
        if kind == "broken":
            items.append(replace(frame(frame_id, 0, time_s + ticks / 10), image=UndecodableImage("broken")))
            time_s += max(0, ticks / 10)
        else:
            time_s += ticks / 10
            items.append(frame(frame_id, value, time_s))
    return items


def by_score(box: float) -> dict[str, PictureStats]:
    """Frames without a box are black."""
    return {"": BLACK if box <= 0.2 else GOOD}


def test_frames_that_come_again_have_the_health_of_their_first_outcome() -> None:
    config = replace(CONFIG, health=HealthPolicy(settle_ns=NS_PER_S // 10))
    expected = unsplit(FRAMES, config, by_score)
    marks = [(region.problem, region.suspended) for o in expected if isinstance(o, tuple) for region in o[3]]
    assert {problem for problem, _ in marks} == {None, HealthProblem.BLACK}
    assert (None, True) in marks, "good pictures that have not settled"
    assert sum(isinstance(o, HealthEvent) for o in expected) >= 2
    for sent in range(len(FRAMES) + 1):
        for received in range(len(expected) + 2):
            assert split(FRAMES, [(sent, received, 1)], config, by_score) == expected, (sent, received)


def test_a_frame_that_was_not_scored_before_the_rules_went_on_is_not_said_to_be_seen() -> None:
    session = StreamSession[float, None]("s", SessionLimits(running=1, waiting=1))
    session.configure(replace(CONFIG, overflow_policy=OverflowPolicy.DROP_OLDEST), None)
    for each in range(4):
        session.receive(frame(each, 0.9), 0)
    for work in iter(session.next_work, None):
        session.complete(work, {"": scores(work.image)}, Timings())
    outcomes = [type(o.outcome) for o in iter(session.next_output, None) if isinstance(o, FrameResult)]
    assert outcomes == [Dropped, Dropped, Dropped, Scored]
    outputs = resume(session.hand_over(), ResumePoint("", None, "s-2"), *(frame(i, 0.9) for i in range(5)))
    regions = [o.regions[0].suspended for o in outputs if isinstance(o, FrameResult)]
    assert regions == [True, True, True, False, False]


@settings(max_examples=300, deadline=None)
@given(items_of_streams, cuts_of_streams, st.sampled_from([CONFIG, SLOW, replace(SLOW, max_frame_rate=7)]))
def test_split_anywhere_any_number_of_times_the_outputs_are_the_same(
    parts: list[tuple[str, int, float, int]], cuts: list[tuple[int, int, int]], config: StreamConfig
) -> None:
    items = build(parts)
    assert split(items, cuts, config) == unsplit(items, config)


def resume(state: StreamState, point: ResumePoint, *frames: ReceivedFrame[float], arrival_ns: int = 0) -> list[Output]:
    session = StreamSession[float, None]("another", LIMITS)
    session.take_over(state, point)
    session.configure(CONFIG, None)
    for each in frames:
        session.receive(each, arrival_ns)
    for work in iter(session.next_work, None):
        session.complete(work, {"": scores(work.image)}, Timings())
    session.close_input()
    return list(iter(session.next_output, None))


def lost(*boxes: float) -> StreamState:
    """The state after frames from 0 on, all seen by the rules; the client's part is in the resume point."""
    session = StreamSession[float, None]("s", LIMITS)
    play(session, Client(CONFIG, [frame(i, box) for i, box in enumerate(boxes)]), sent=10**6, received=10**6)
    return session.hand_over()


def brief(outputs: list[Output]) -> list[object]:
    return [
        o.frame_id if isinstance(o, FrameResult) else (o.event_id if isinstance(o, Event) else "started")
        for o in outputs
    ]


@pytest.mark.parametrize(
    ("point", "frame_ids", "expected"),
    [
        (ResumePoint("", 1, "s-2"), [2, 3], ["started", 2, 3, "s-3", "s-4"]),
        (ResumePoint("", 1, ""), [2, 3], ["started", "s-1", "s-2", 2, 3, "s-3", "s-4"]),
        (ResumePoint("", 1, "s-1"), [], ["started", "s-2", "s-3", "s-4"]),
        (ResumePoint("", 3, "s-3"), [4], ["started", "s-4", 4, "s-5", "s-6"]),
        (ResumePoint("", None, ""), [0, 1, 2, 3], ["started", 0, 1, "s-1", "s-2", 2, 3, "s-3", "s-4"]),
        (ResumePoint("", None, ""), [4], ["started", "s-1", "s-2", "s-3", "s-4", 4, "s-5", "s-6"]),
        (ResumePoint("", 1, "nonsense"), [3], ["started", "s-1", "s-2", 3, "s-3", "s-4"]),
    ],
    ids=["none", "at once", "at the end", "of the last", "all again", "not sent again", "unknown id"],
)
def test_missed_events_come_with_their_frames_or_before_later_ones(
    point: ResumePoint, frame_ids: list[int], expected: list[object]
) -> None:
    outputs = resume(lost(0.1, 0.9, 0.9, 0.1), point, *(frame(i, 0.9 if i == 4 else 0.1) for i in frame_ids))
    assert brief(outputs) == expected
    assert outputs[0] == Started(CONFIG, 1, resumed=True)


@pytest.mark.parametrize(
    ("last_frame_id", "sent", "reason"),
    [
        (3, frame(3, 0.1, 9), "OUT_OF_ORDER"),
        (2, frame(3, 0.1, 0.25), None),
        (2, frame(3, 0.1, 0.15), "OUT_OF_ORDER"),
        (None, frame(4, 0.1, 0.2), "OUT_OF_ORDER"),
        (3, ReceivedFrame(4, None, 0.1), "OUT_OF_ORDER"),
        (700, frame(600, 0.1, 9), "OUT_OF_ORDER"),
        (700, frame(701, 0.1, 9), None),
    ],
    ids=["number", "in order", "time", "before the last frame seen", "no time", "unknown number", "after it"],
)
def test_frames_come_after_those_that_the_client_has(
    last_frame_id: int | None, sent: ReceivedFrame[float], reason: str | None
) -> None:
    (result,) = (
        o for o in resume(lost(0.1, 0.1, 0.1, 0.1), ResumePoint("", last_frame_id), sent) if isinstance(o, FrameResult)
    )
    assert (None if isinstance(result.outcome, Scored) else result.outcome.error.reason.name) == reason  # type: ignore[union-attr]


def test_rules_that_are_new_start_anew_and_the_others_go_on() -> None:
    state = lost(0.1, 0.9)  # both rules are present
    session = StreamSession[float, None]("another", LIMITS)
    client = Client(OTHER, [frame(2, 0.9), frame(3, 0.1)], last_frame_id=1, last_event_id="s-2")
    session.take_over(state, client.point)
    play(session, client, sent=10, received=10)
    events = [o for o in client.outputs if isinstance(o, Event)]
    assert [(e.event_id, e.rule_id, e.kind.name) for e in events] == [
        ("s-3", "low", "EXITED"),
        ("s-4", "box", "EXITED"),
        ("s-5", "empty", "ENTERED"),
    ]


def test_what_is_kept_is_bounded() -> None:
    state = lost(*([0.1, 0.9] * 1000))
    assert len(state.released) == MAX_RELEASED_FRAMES
    assert len(state.events) == MAX_KEPT_EVENTS


def test_a_session_that_has_handed_over_changes_nothing_any_more() -> None:
    session = StreamSession[float, None]("s", LIMITS)
    session.configure(CONFIG, None)
    session.receive(frame(0, 0.9), 0)
    work = session.next_work()
    assert work is not None
    state = session.hand_over()
    session.complete(work, {"": scores(0.9)}, Timings())
    assert session.finished
    assert (state.last_seen, state.event_count) == (None, 0)
