"""Bytes that sessions hold together: images that wait or run, and outputs that nobody reads."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from framewatch_core.images.regions import Region
from framewatch_core.labels.label_scores import LabelNames, LabelScores, rank
from framewatch_core.labels.labels import LabelSet
from framewatch_core.rules.rule import EventRule
from framewatch_core.stream.config import OverflowPolicy, StreamConfig
from framewatch_core.stream.messages import ReceivedFrame
from framewatch_core.stream.results import Dropped, DropReason, FrameResult, Scored, Timings
from framewatch_core.stream.session import SessionLimits, StreamSession
from framewatch_core.stream.shares import SharedBytes, StreamShares
from framewatch_core.stream.sizes import frame_bytes
from framewatch_core.stream.slots import Work

LIMITS = SessionLimits(running=8, waiting=4)
MIB = 1024 * 1024
POLICIES = [OverflowPolicy.BLOCK, OverflowPolicy.DROP_OLDEST]


class Streams:
    """Sessions that share a process."""

    def __init__(self, count: int, waiting_bytes: int, unsent_bytes: int, config: StreamConfig) -> None:
        self.config = config
        self.shares = StreamShares(
            SharedBytes(waiting_bytes, lambda: len(self.open)), SharedBytes(unsent_bytes, lambda: len(self.open))
        )
        self.open: list[StreamSession[bytes, str]] = []
        self.names = LabelNames(config.label_set.names)
        self.values = np.random.default_rng(0).random((len(config.viewed_regions), len(self.names.texts), 3))
        self.sent = 0
        self.most_waiting = 0
        for _ in range(count):
            self.open.append(session := StreamSession[bytes, str]("s", LIMITS, 0, self.shares))
            session.configure(config, "plan")
            session.next_output()
            session.next_output()

    def send(self, session: StreamSession[bytes, str], size: int) -> None:
        self.sent += 1
        session.receive(ReceivedFrame(self.sent, None, b"", size), self.sent)
        self.most_waiting = max(self.most_waiting, self.shares.waiting.held)

    def finish(self, session: StreamSession[bytes, str], work: Work[bytes, str]) -> None:
        values = self.values.astype(np.float32)
        rankings = rank(values[..., 0])
        scores = {
            region.id: LabelScores(self.names, values[i], None, rankings[i])
            for i, region in enumerate(self.config.viewed_regions)
        }
        session.complete(work, scores, Timings())


def config(labels: int = 2, regions: int = 0, policy: OverflowPolicy = OverflowPolicy.BLOCK) -> StreamConfig:
    return StreamConfig(
        LabelSet.of([f"label {i}" for i in range(labels)]),
        regions=tuple(Region(str(i), 0, 0, 1, 1) for i in range(regions)),
        rules=(EventRule("label 0", 0.001, region_id="0" if regions else "", trail_count=3),),
        overflow_policy=policy,
    )


@pytest.mark.parametrize("policy", POLICIES)
def test_256_streams_of_large_frames_stay_within_the_maximum_and_one_frame_each(policy: OverflowPolicy) -> None:
    size, maximum = 32 * MIB, 512 * MIB
    streams = Streams(256, maximum, 256 * MIB, config(policy=policy))
    works = []
    for _ in range(20):
        for session in streams.open:
            if session.accepts_frames:
                streams.send(session, size)
            works += [(session, work) for work in iter(session.next_work, None)]
    assert streams.most_waiting <= maximum + 256 * size
    assert len(works) == 256, "each has one, and none waits behind it"
    for session, work in works:
        streams.finish(session, work)
    assert streams.shares.waiting.held == 0
    results = [output for session in streams.open for output in iter(session.next_output, None)]
    dropped = [each for each in results if isinstance(each, FrameResult) and isinstance(each.outcome, Dropped)]
    assert len(dropped) == (256 * 19 if policy is OverflowPolicy.DROP_OLDEST else 0)


@pytest.mark.parametrize("policy", POLICIES)
def test_small_frames_are_bounded_by_their_number_as_before(policy: OverflowPolicy) -> None:
    streams = Streams(1, MIB, MIB, config(policy=policy))
    (session,) = streams.open
    for _ in range(LIMITS.running + LIMITS.waiting):
        assert session.accepts_frames
        streams.send(session, 1000)
        session.next_work()
    assert session.accepts_frames is (policy is OverflowPolicy.DROP_OLDEST)


def test_a_live_stream_keeps_the_newest_frames_that_fit() -> None:
    streams = Streams(1, 1000, MIB, config(policy=OverflowPolicy.DROP_OLDEST))
    (session,) = streams.open
    for size in (400, 300, 500, 200, 900, 2000):
        streams.send(session, size)
    assert streams.shares.waiting.held == 2000
    work = session.next_work()
    assert work is not None
    streams.send(session, 10)
    streams.finish(session, work)
    outcomes = [each.outcome for each in iter(session.next_output, None) if isinstance(each, FrameResult)]
    assert outcomes[:5] == [Dropped(DropReason.OVERFLOW)] * 5
    assert isinstance(outcomes[5], Scored)
    assert outcomes[6:] == [Dropped(DropReason.OVERFLOW)], "there was no room beside the large one"


@pytest.mark.parametrize("top_count", [0, 5])
def test_unread_outcomes_stay_within_the_share_and_are_given_back(top_count: int) -> None:
    settings_ = StreamConfig(
        LabelSet.of([f"label {i}" for i in range(1000)]),
        regions=tuple(Region(str(i), 0, 0, 1, 1) for i in range(16)),
        top_count=top_count,
    )
    maximum = 8 * MIB
    streams = Streams(2, 512 * MIB, maximum, settings_)
    session, _ = streams.open
    taken = 0
    for _ in range(1500):
        if session.accepts_frames:
            streams.send(session, 1000)
            taken += 1
        for work in iter(session.next_work, None):
            streams.finish(session, work)
        assert streams.shares.unsent.held <= maximum // 2
    assert (taken < 40) is (top_count == 0), "not more than fit"
    assert not session.accepts_frames
    state = session.hand_over()
    assert (streams.shares.unsent.held, streams.shares.waiting.held) == (0, 0)
    assert not any(hasattr(state, name) for name in ("scores", "outbox"))


def test_a_stream_goes_on_once_its_client_reads() -> None:
    settings_ = config(labels=1000, regions=16)
    streams = Streams(1, 512 * MIB, frame_bytes(settings_) // 2, settings_)
    (session,) = streams.open
    numbers = []
    for _ in range(5):
        while session.accepts_frames:
            streams.send(session, 1000)
        work = session.next_work()
        assert work is not None, "what does not fit goes alone"
        assert session.next_work() is None
        streams.finish(session, work)
        assert session.next_work() is None, "the client has not read it"
        numbers += [each.frame_id for each in iter(session.next_output, None) if isinstance(each, FrameResult)]
    assert numbers == [1, 2, 3, 4, 5]


def test_outcomes_behind_a_frame_that_waits_do_not_hold_it_up() -> None:
    streams = Streams(1, 512 * MIB, 3000, config())
    (session,) = streams.open
    streams.send(session, 1000)
    while session.accepts_frames:  # frames out of order fail at once, behind the first one
        session.receive(ReceivedFrame(1, None, b"", 1000), 1)
    work = session.next_work()
    assert work is not None
    streams.finish(session, work)
    assert sum(isinstance(each, FrameResult) for each in iter(session.next_output, None)) > 1


class Play:
    """Three streams, with what each was sent and has read."""

    def __init__(self, streams: Streams) -> None:
        self.streams = streams
        self.sessions = list(streams.open)
        self.works: list[list[Work[bytes, str]]] = [[] for _ in self.sessions]
        self.sent = [0 for _ in self.sessions]
        self.answered = [0 for _ in self.sessions]
        self.largest = 0

    def send(self, i: int, size: int) -> None:
        session = self.sessions[i]
        if session in self.streams.open and session.accepts_frames:
            self.streams.send(session, size)
            self.sent[i] += 1
            self.largest = max(self.largest, size)

    def work(self, i: int, _: int = 0) -> None:
        if (work := self.sessions[i].next_work()) is not None:
            self.works[i].append(work)

    def finish(self, i: int, _: int = 0) -> None:
        if self.works[i]:
            self.streams.finish(self.sessions[i], self.works[i].pop())

    def read(self, i: int, _: int = 0) -> None:
        self.answered[i] += isinstance(self.sessions[i].next_output(), FrameResult)

    def end(self, i: int, _: int = 0) -> None:
        if self.sessions[i] in self.streams.open:
            self.sessions[i].close_input()
            self.streams.open.remove(self.sessions[i])


STEPS = st.tuples(
    st.sampled_from([Play.send, Play.work, Play.finish, Play.read, Play.end]), st.integers(0, 2), st.integers(0, 3000)
)


@settings(max_examples=60, deadline=None)
@given(st.lists(STEPS), st.sampled_from(POLICIES), st.integers(1, 5000), st.integers(1, 20_000))
def test_everything_is_bounded_and_given_back(
    steps: list[tuple[Callable[[Play, int, int], None], int, int]],
    policy: OverflowPolicy,
    waiting_bytes: int,
    unsent_bytes: int,
) -> None:
    play = Play(Streams(3, waiting_bytes, unsent_bytes, config(policy=policy)))
    shares = play.streams.shares
    for step, i, size in steps:
        step(play, i, size)
        assert 0 <= shares.waiting.held <= 3 * (waiting_bytes + play.largest)
    for i, session in enumerate(play.sessions):
        while play.answered[i] < play.sent[i]:  # never stuck, for a client that reads
            play.work(i)
            play.finish(i)
            play.read(i)
        while session.next_output() is not None:
            pass
    assert play.sent == play.answered
    assert (shares.waiting.held, shares.unsent.held) == (0, 0)
