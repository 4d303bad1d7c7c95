"""The bounded store of streams that can be taken over."""

from __future__ import annotations

import pytest

from framewatch_core.errors import InvalidRequest
from framewatch_core.stream.resume import StreamState
from framewatch_server.engine.resume import ResumableStreams


class Stream:
    def __init__(self, name: str) -> None:
        self.state = StreamState(name)
        self.has_ended = False

    def hand_over(self) -> StreamState:
        self.has_ended = True
        return self.state


class Clock:
    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def streams(clock: Clock) -> ResumableStreams:
    return ResumableStreams(60, 3, clock)


def test_the_state_of_a_stream_that_ended_is_taken_once(streams: ResumableStreams) -> None:
    stream = Stream("a")
    ticket = streams.add(stream, "m")
    streams.end(ticket, stream.state)
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
    streams.end(streams.add(Stream("a"), "m"), StreamState("a"))
    streams.add(Stream("b"), "m")
    assert streams.take(token, "m") is None


@pytest.mark.parametrize(("after_s", "is_there"), [(0, True), (59.9, True), (60, False), (1000, False)])
def test_states_have_a_lifetime_from_the_streams_end_on(
    streams: ResumableStreams, clock: Clock, after_s: float, is_there: bool
) -> None:
    stream = Stream("a")
    ticket = streams.add(stream, "m")
    clock.now_s = 500
    streams.end(ticket, stream.state)
    clock.now_s += after_s
    assert (streams.take(ticket.token, "m") is stream.state) is is_there


def test_a_lifetime_of_zero_keeps_nothing(clock: Clock) -> None:
    streams = ResumableStreams(0, 3, clock)
    ticket = streams.add(Stream("a"), "m")
    streams.end(ticket, StreamState("a"))
    assert streams.take(ticket.token, "m") is None


def test_those_that_ended_first_go_first(streams: ResumableStreams) -> None:
    tickets = [streams.add(Stream(name), "m") for name in "abcde"]
    for ticket, name in zip(tickets, "abcde", strict=True):
        streams.end(ticket, StreamState(name))
    found = [streams.take(ticket.token, "m") for ticket in tickets]
    assert [state.stream_id if state else None for state in found] == [None, None, "c", "d", "e"]


@pytest.mark.parametrize("ended", [True, False], ids=["ended", "running"])
def test_another_model_is_refused_and_the_state_stays(streams: ResumableStreams, ended: bool) -> None:
    stream = Stream("a")
    ticket = streams.add(stream, "m")
    if ended:
        streams.end(ticket, stream.state)
    with pytest.raises(InvalidRequest, match="'m', not 'other'") as caught:
        streams.take(ticket.token, "other")
    assert caught.value.field == "config.model"
    assert not stream.has_ended
    assert streams.take(ticket.token, "m") is stream.state


@pytest.mark.parametrize("ended", [True, False], ids=["ended", "running"])
@pytest.mark.parametrize("which", ["token", "former"])
def test_the_former_token_is_good_until_the_client_is_known_to_have_the_new_one(
    streams: ResumableStreams, ended: bool, which: str
) -> None:
    first = streams.add(Stream("a"), "m")
    assert streams.take(first.token, "m") is not None
    streams.remove(first)
    second = Stream("a")
    ticket = streams.add(second, "m", first.token)
    if ended:
        streams.end(ticket, second.state)
    assert streams.take(getattr(ticket, which), "m") is second.state
    if not ended:
        streams.remove(ticket)  # as a stream does that hands over
    assert [streams.take(token, "m") for token in (ticket.token, ticket.former)] == [None, None]


def test_the_former_token_is_good_no_more_once_it_is_confirmed(streams: ResumableStreams) -> None:
    stream = Stream("a")
    ticket = streams.confirm(streams.add(stream, "m", "former"))
    assert streams.take("former", "m") is None
    streams.end(ticket, stream.state)
    assert streams.take("former", "m") is None
    assert streams.take(ticket.token, "m") is stream.state


def test_tokens_are_long_and_differ(streams: ResumableStreams) -> None:
    tokens = {streams.add(Stream("a"), "m").token for _ in range(100)}
    assert len(tokens) == 100
    assert min(map(len, tokens)) >= 32
