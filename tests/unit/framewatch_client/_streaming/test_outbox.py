"""Requests that wait to be sent, and to be sent again."""

from __future__ import annotations

import asyncio

import pytest

from framewatch.v1 import framewatch_pb2 as pb
from framewatch_client._streaming.outbox import MAX_KEPT_EXPLAINS, Outbox
from framewatch_core.resume_point import ResumePoint

FIRST, LATER = (pb.StreamConfig(model=name) for name in ("first", "later"))


def request(what: str) -> pb.StreamFramesRequest:
    """Returns a request: a frame by its number, an explain for `?`, a config for `later`."""
    if what == "?":
        return pb.StreamFramesRequest(explain=pb.Explain())
    if what == "later":
        return pb.StreamFramesRequest(config=LATER)
    return pb.StreamFramesRequest(frame=pb.Frame(frame_id=int(what)))


def brief(sent: pb.StreamFramesRequest | None) -> str:
    match sent and sent.WhichOneof("request"):
        case "frame":
            return str(sent.frame.frame_id) if sent else ""
        case "explain":
            return "?"
        case "config":
            return sent.config.model if sent else ""
    return "end"


def filled(text: str) -> Outbox:
    outbox = Outbox(FIRST)
    for what in text.split():
        outbox.add(request(what))
    outbox.close()
    return outbox


async def sent(outbox: Outbox) -> str:
    """Returns all that a connection sends from now on."""
    found = []
    while (following := await outbox.next()) is not None:
        found.append(brief(following))
    return " ".join(found)


async def resent(outbox: Outbox) -> str:
    """Returns all that another connection sends."""
    first = outbox.first_request(ResumePoint("t", 1, "e"))
    assert first.config.resume.token == "t"
    return " ".join([first.config.model, *filter(None, [await sent(outbox)])])


@pytest.mark.parametrize(
    ("answered", "again"),
    [
        pytest.param("", "first ? 1 ? ? 2 later ? 3", id="nothing answered: all of it"),
        pytest.param("?", "first 1 ? ? 2 later ? 3", id="an explain answered"),
        pytest.param("? 1", "first ? ? 2 later ? 3", id="a frame answered, the explains behind it not"),
        pytest.param("? 1 ?", "first ? 2 later ? 3", id="one of two"),
        pytest.param("? 1 ? ? 2", "first later ? 3", id="up to a config"),
        pytest.param("? 1 ? ? 2 ?", "first later 3", id="an explain behind a config that no frame has used"),
        pytest.param("? 1 ? ? 2 ? 3", "later", id="all answered"),
    ],
)
async def test_unanswered_requests_are_sent_again(answered: str, again: str) -> None:
    outbox = filled("? 1 ? ? 2 later ? 3")
    assert await sent(outbox) == "? 1 ? ? 2 later ? 3"
    for what in answered.split():
        if what == "?":
            outbox.answer_explain()
        else:
            assert outbox.answer()
    assert await resent(outbox) == again


async def test_an_answer_in_the_middle_of_sending_leaves_nothing_out() -> None:
    outbox = filled("? 1 ? 2")
    assert [brief(await outbox.next()) for _ in range(2)] == ["?", "1"]
    outbox.answer_explain()
    assert outbox.answer()
    assert await sent(outbox) == "? 2"
    outbox.answer_explain()
    assert outbox.answer()
    assert await sent(outbox) == ""
    assert not outbox.answer(), "nothing is left to be answered"


async def test_explains_are_no_frames() -> None:
    outbox = filled("? ? ?")
    assert outbox.frame_count == 0
    assert not outbox.answer()
    assert await sent(outbox) == "? ? ?"


async def test_an_explanation_without_a_question_changes_nothing() -> None:
    outbox = filled("1 2")
    outbox.answer_explain()
    assert await sent(outbox) == "1 2"


def config(model: str) -> pb.StreamFramesRequest:
    return pb.StreamFramesRequest(config=pb.StreamConfig(model=model))


async def test_a_config_behind_another_one_takes_its_place() -> None:
    outbox = Outbox(FIRST)
    outbox.add(request("1"))
    for number in range(1000):
        outbox.add(config(f"unsent {number}"))
    assert outbox.kept_bytes == sum(each.ByteSize() for each in (request("1"), config("unsent 999")))
    assert [brief(await outbox.next()), brief(await outbox.next())] == ["1", "unsent 999"]
    assert [outbox.version_of(number) for number in (1, 2)] == [1, 1001]
    for number in range(1000):
        outbox.add(config(f"sent {number}"))
        await outbox.next()
    assert outbox.version_of(1002) == 2001
    outbox.add(request("2"))
    outbox.close()
    assert await resent(outbox) == "first 1 sent 999 2"
    assert [outbox.version_of(number) for number in (1, 2)] == [1, 2001]


async def test_configs_around_an_explain_are_joined_when_it_is_answered() -> None:
    outbox = filled("1 later ? later 2")
    outbox.answer_explain()
    assert await resent(outbox) == "first 1 later 2"
    assert outbox.version_of(2) == 3
    assert outbox.answer()
    assert (outbox.config_version, outbox.config) == (1, FIRST)
    assert outbox.answer()
    assert (outbox.config_version, outbox.config, outbox.kept_bytes) == (3, LATER, 0)


@pytest.mark.parametrize(
    ("kept", "max_bytes", "is_full"),
    [
        pytest.param("", 0, False, id="nothing would make room"),
        pytest.param("later", 0, False, id="a config has no answer that would make room"),
        pytest.param("1", 1, True, id="a frame"),
        pytest.param("1", 100, False, id="a small frame"),
        pytest.param("?", 1, True, id="an explain"),
        pytest.param("later 1", 10, True, id="a config counts with the frame behind it"),
        pytest.param("? " * (MAX_KEPT_EXPLAINS - 1), 10**6, False, id="few explains"),
        pytest.param("? " * MAX_KEPT_EXPLAINS, 10**6, True, id="many explains"),
    ],
)
async def test_room_is_bounded_by_bytes_and_by_explains(kept: str, max_bytes: int, is_full: bool) -> None:
    outbox = Outbox(FIRST, max_bytes)
    for what in kept.split():
        outbox.add(request(what))
    waiting = asyncio.ensure_future(outbox.room())
    await asyncio.sleep(0)
    assert waiting.done() is not is_full
    while outbox.frame_count or outbox.explain_count:
        outbox.answer_explain()
        outbox.answer()
    await waiting
    assert outbox.kept_bytes == sum(
        request(what).ByteSize() for what in kept.split() if what == kept.strip() == "later"
    )
