"""The bounded store of streams that can be taken over."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from framewatch_core.errors import InvalidRequest
from framewatch_core.health.events import HealthEvent, HealthEventKind
from framewatch_core.stream.resume import StreamState
from framewatch_core.time import Moment
from framewatch_server.engine.resume import ResumableStreams, Ticket


class Stream:
    def __init__(self, name: str) -> None:
        self.state = StreamState(name)
        self.has_ended = False

    def hand_over(self) -> StreamState:
        self.has_ended = True
        return self.state


@dataclass
class Timer:
    """A call at a time; the clock makes it unless it is taken back."""

    due_s: float
    function: Callable[[], None] | None

    def cancel(self) -> None:
        self.function = None


@dataclass
class Clock:
    now_s: float = 0.0
    timers: list[Timer] = field(default_factory=list)

    def call_later(self, delay_s: float, function: Callable[[], None]) -> Timer:
        self.timers.append(Timer(self.now_s + delay_s, function))
        return self.timers[-1]

    def move(self, seconds: float) -> None:
        self.now_s += seconds
        for timer in self.timers:
            if timer.function is not None and timer.due_s <= self.now_s:
                timer.function()

    @property
    def pending(self) -> int:
        return sum(timer.function is not None and timer.due_s > self.now_s for timer in self.timers)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def streams(clock: Clock) -> ResumableStreams:
    return ResumableStreams(60, 3, 1_000_000, clock.call_later)


def ended(streams: ResumableStreams, name: str, *, is_lost: bool = True, former: str = "", events: int = 0) -> Ticket:
    """A stream that has come and ended; with events its state is larger, by about 2 kB each."""
    state = StreamState(name)
    state.keep_events(
        HealthEvent(kind=HealthEventKind.RESUMED, region_id="r" * 100, at=Moment(i, 0), began=Moment(i, 0))
        for i in range(events)
    )
    ticket = streams.add(Stream(name), "m", former)
    streams.end(ticket, state, is_lost=is_lost)
    return ticket


def kept(streams: ResumableStreams, *tickets: Ticket) -> list[str]:
    """Names of the streams whose states can still be taken; takes them."""
    states = [streams.take(ticket.token, "m") for ticket in tickets]
    return [state.stream_id for state in states if state is not None]


def test_the_state_of_a_stream_that_ended_is_taken_once(streams: ResumableStreams) -> None:
    stream = Stream("a")
    ticket = streams.add(stream, "m")
    streams.end(ticket, stream.state, is_lost=True)
    assert streams.take(ticket.token, "m") is stream.state
    assert streams.take(ticket.token, "m") is None
    assert not stream.has_ended  # it was not asked again


def test_a_running_stream_ends_when_it_is_taken(streams: ResumableStreams) -> None:
    stream = Stream("a")
    ticket = streams.add(stream, "m")
    assert streams.take(ticket.token, "m") is stream.state
    assert stream.has_ended


@pytest.mark.parametrize("token", ["", "x", "\N{PILE OF POO}"])
def test_an_unknown_token_gives_nothing(streams: ResumableStreams, token: str) -> None:
    ended(streams, "a")
    streams.add(Stream("b"), "m")
    assert streams.take(token, "m") is None


@pytest.mark.parametrize(("after_s", "is_there"), [(0, True), (59.9, True), (60, False), (1000, False)])
def test_states_have_a_lifetime_from_the_streams_end_on(
    streams: ResumableStreams, clock: Clock, after_s: float, is_there: bool
) -> None:
    stream = Stream("a")
    ticket = streams.add(stream, "m")
    clock.move(500)
    streams.end(ticket, stream.state, is_lost=True)
    clock.move(after_s)
    assert (streams.take(ticket.token, "m") is stream.state) is is_there


def test_a_lifetime_of_zero_keeps_nothing(clock: Clock) -> None:
    streams = ResumableStreams(0, 3, 1_000_000, clock.call_later)
    assert kept(streams, ended(streams, "a")) == []
    assert (streams.held_bytes, clock.pending) == (0, 0)


def test_a_state_is_freed_by_the_timer_though_no_other_stream_comes(streams: ResumableStreams, clock: Clock) -> None:
    state = StreamState("a")
    gone = weakref.ref(state.rules)
    ticket = streams.add(Stream("b"), "m")
    streams.end(ticket, state, is_lost=True)
    del state
    assert streams.held_bytes > 0
    clock.move(60)
    gc.collect()
    assert gone() is None
    assert streams.held_bytes == 0
    assert not streams._tokens


@pytest.mark.parametrize("is_lost", [True, False], ids=["lost", "answered"])
def test_those_that_ended_first_go_first(streams: ResumableStreams, is_lost: bool) -> None:
    tickets = [ended(streams, name, is_lost=is_lost) for name in "abcde"]
    assert kept(streams, *tickets) == ["c", "d", "e"]


@pytest.mark.parametrize(
    ("lost", "expected"),
    [
        ("a", ["a", "g", "h"]),
        ("ab", ["a", "b", "h"]),
        ("abc", ["a", "b", "c"]),
        ("abcd", ["b", "c", "d"]),
        ("ah", ["a", "g", "h"]),
        ("fgh", ["f", "g", "h"]),
        ("", ["f", "g", "h"]),
    ],
)
def test_streams_that_were_answered_to_their_end_make_room_for_lost_ones(
    streams: ResumableStreams, lost: str, expected: list[str]
) -> None:
    tickets = [ended(streams, name, is_lost=name in lost) for name in "abcdefgh"]
    assert kept(streams, *tickets) == expected


def test_many_short_streams_do_not_make_a_lost_one_go(streams: ResumableStreams) -> None:
    camera = ended(streams, "camera")
    for number in range(1000):
        ended(streams, str(number), is_lost=False)
    assert kept(streams, camera) == ["camera"]


def test_an_unconfirmed_takeover_takes_one_place(streams: ResumableStreams) -> None:
    tickets = [ended(streams, name, former=f"former {name}") for name in "abc"]
    assert kept(streams, *tickets) == ["a", "b", "c"]


def test_states_are_bounded_in_bytes(clock: Clock) -> None:
    streams = ResumableStreams(60, 1000, 300_000, clock.call_later)
    tickets = [ended(streams, str(number), events=20) for number in range(20)]
    assert 200_000 < streams.held_bytes <= 300_000
    found = kept(streams, *tickets)
    assert found == [str(number) for number in range(20 - len(found), 20)]
    assert streams.held_bytes == 0
    assert clock.pending == 0, "timers of states that are gone are gone too"


def test_a_state_that_is_larger_than_all_room_is_not_kept(clock: Clock) -> None:
    streams = ResumableStreams(60, 1000, 100_000, clock.call_later)
    small = ended(streams, "small")
    assert kept(streams, ended(streams, "large", events=100), small) == ["small"]


@pytest.mark.parametrize("has_ended", [True, False], ids=["ended", "running"])
def test_another_model_is_refused_and_the_state_stays(streams: ResumableStreams, has_ended: bool) -> None:
    stream = Stream("a")
    ticket = streams.add(stream, "m")
    if has_ended:
        streams.end(ticket, stream.state, is_lost=True)
    with pytest.raises(InvalidRequest, match="'m', not 'other'") as caught:
        streams.take(ticket.token, "other")
    assert caught.value.field == "config.model"
    assert not stream.has_ended
    assert streams.take(ticket.token, "m") is stream.state


@pytest.mark.parametrize("has_ended", [True, False], ids=["ended", "running"])
@pytest.mark.parametrize("which", ["token", "former"])
def test_the_former_token_is_good_until_the_client_is_known_to_have_the_new_one(
    streams: ResumableStreams, has_ended: bool, which: str
) -> None:
    first = streams.add(Stream("a"), "m")
    assert streams.take(first.token, "m") is not None
    streams.remove(first)
    second = Stream("a")
    ticket = streams.add(second, "m", first.token)
    if has_ended:
        streams.end(ticket, second.state, is_lost=True)
    assert streams.take(getattr(ticket, which), "m") is second.state
    if not has_ended:
        streams.remove(ticket)  # as a stream does that hands over
    assert [streams.take(token, "m") for token in (ticket.token, ticket.former)] == [None, None]


def test_the_former_token_is_good_no_more_once_it_is_confirmed(streams: ResumableStreams) -> None:
    stream = Stream("a")
    ticket = streams.confirm(streams.add(stream, "m", "former"))
    assert streams.take("former", "m") is None
    streams.end(ticket, stream.state, is_lost=True)
    assert streams.take("former", "m") is None
    assert streams.take(ticket.token, "m") is stream.state


def test_tokens_are_long_and_differ(streams: ResumableStreams) -> None:
    tokens = {streams.add(Stream("a"), "m").token for _ in range(100)}
    assert len(tokens) == 100
    assert min(map(len, tokens)) >= 32
