"""Requests that wait to be sent, and to be sent again."""

from __future__ import annotations

import pytest

from framewatch.v1 import framewatch_pb2 as pb
from framewatch_client._streaming.outbox import Outbox
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
