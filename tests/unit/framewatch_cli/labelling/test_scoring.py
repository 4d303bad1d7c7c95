"""Scores of files: whose fault a late call is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path, PurePath
from typing import Any

import grpc
import pytest

from framewatch_cli.labelling.scoring import Question, score_files, score_frames
from framewatch_cli.labelling.sources import FrameFiles, PictureFiles
from framewatch_cli.pictures.faults import ModelReplaced
from framewatch_cli.terminal.interrupts import Interrupt
from framewatch_client import FrameResult, Reconnected, ServerUnreachableError, StreamStarted, open_source
from framewatch_client.errors import FramewatchCallError
from framewatch_core.labels.labels import Label, LabelSet

CODE = grpc.StatusCode


class LateClient:
    """Reports broken pictures at once; all other calls end without an answer, once so many have begun."""

    def __init__(self, begun_count: int) -> None:
        self._left = begun_count
        self._all_begun = asyncio.Event()

    async def classify(self, data: bytes, label_set: LabelSet, *, model: str) -> Any:
        del label_set, model
        self._left -= 1
        if self._left == 0:
            self._all_begun.set()
        if data == b"broken":
            raise FramewatchCallError(CODE.INVALID_ARGUMENT, "UNDECODABLE_IMAGE", "no", fields={"image": "no"})
        await self._all_begun.wait()
        raise FramewatchCallError(CODE.DEADLINE_EXCEEDED, "DEADLINE_EXCEEDED", "too late")


@pytest.mark.parametrize(
    ("contents", "errors"),
    [
        pytest.param(["late", "late", "late"], None, id="all"),
        pytest.param(["late"], None, id="the only one"),
        pytest.param(["late", "broken"], ["too late [DEADLINE_EXCEEDED]", "no [UNDECODABLE_IMAGE]"], id="one, and another was answered"),
    ],
)  # fmt: skip
async def test_late_calls_are_the_servers_fault_if_all_are(
    tmp_path: Path, contents: list[str], errors: list[str] | None
) -> None:
    for number, content in enumerate(contents):
        (tmp_path / f"{number}.jpg").write_text(content)
    files = PictureFiles(tmp_path, tuple(PurePath(f"{number}.jpg") for number in range(len(contents))))
    client: Any = LateClient(len(contents))
    question = Question(LabelSet((Label("a"), Label("b"))))
    scored = score_files(client, files, question, set(), Interrupt(), print)
    if errors is None:
        with pytest.raises(FramewatchCallError, match="too late"):
            await anext(scored)
    else:
        assert [one.result.error async for one in scored] == errors


class ReplacedClient:
    """Its stream is lost before the first result, and goes on at a server with other weights."""

    async def stream(self, *_: Any, **options: Any) -> AsyncIterator[FrameResult]:
        options["on_started"](StreamStarted("m", weights_digest="0123"))
        lost = Reconnected(ServerUnreachableError("gone"), 1.0, StreamStarted("m", weights_digest="beef"))
        options["on_reconnect"](lost)
        raise AssertionError("the stream goes on")
        yield


async def test_a_model_that_is_replaced_while_a_stream_is_lost_ends_it(make_video: Callable[..., Path]) -> None:
    client: Any = ReplacedClient()
    question = Question(LabelSet((Label("a"), Label("b"))), "m", weights_digest="0123")
    with open_source(str(make_video(2, 10.0))) as source:
        scored = score_frames(client, FrameFiles(source), question, set(), Interrupt(), print)
        with pytest.raises(ModelReplaced, match=r"weights now \(beef, before 0123\), and their scores"):
            await anext(scored)
