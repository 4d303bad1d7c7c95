"""Calls side by side, and which faults are of all of them."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from pathlib import Path, PurePath
from typing import Any

import grpc
import pytest

from framewatch_cli.labelling.scoring import Question, is_of_all_calls, map_in_order, score_files
from framewatch_cli.labelling.sources import PictureFiles
from framewatch_cli.terminal.interrupts import Interrupt
from framewatch_client.errors import FramewatchCallError, ServerUnreachableError
from framewatch_core.labels.labels import Label, LabelSet


async def test_results_come_in_order_and_only_so_many_run_at_once() -> None:
    running, most, gates = 0, 0, [asyncio.Event() for _ in range(7)]

    async def work(number: int) -> int:
        nonlocal running, most
        running += 1
        most = max(most, running)
        if number % 3 == 2:
            gates[number - 1].set()  # the later one ends first
        if number % 3 == 1 and number + 1 < len(gates):
            await gates[number].wait()
        running -= 1
        return number

    assert [result async for result in map_in_order(work, range(7), 3)] == list(range(7))
    assert most <= 3
    assert running == 0


async def test_what_runs_is_cancelled_when_nobody_waits_any_more() -> None:
    ended: list[int] = []

    async def work(number: int) -> int:
        if number == 0:
            return 0
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(number)
        return number

    async with aclosing(map_in_order(work, range(10), 3)) as results:
        assert await anext(results) == 0
    assert ended == [1, 2]


async def test_a_fault_ends_all() -> None:
    async def work(number: int) -> int:
        if number == 2:
            raise RuntimeError("two")
        return number

    seen = []
    with pytest.raises(RuntimeError, match="two"):
        async for result in map_in_order(work, range(9), 4):
            seen.append(result)  # noqa: PERF401  what came before the fault counts
    assert seen == [0, 1]


CODE = grpc.StatusCode


@pytest.mark.parametrize(
    ("error", "of_all"),
    [
        pytest.param(ServerUnreachableError("gone"), True, id="no server"),
        pytest.param(FramewatchCallError(CODE.NOT_FOUND, "MODEL_NOT_FOUND", "no"), True, id="no model"),
        pytest.param(FramewatchCallError(CODE.INVALID_ARGUMENT, "X", "no", fields={"label_set.labels": "x"}), True, id="labels"),
        pytest.param(FramewatchCallError(CODE.INVALID_ARGUMENT, "X", "no", fields={"image.encoded": "x"}), False, id="image"),
        pytest.param(FramewatchCallError(CODE.RESOURCE_EXHAUSTED, "X", "no"), False, id="a message too large"),
        pytest.param(FramewatchCallError(CODE.DEADLINE_EXCEEDED, "X", "no"), False, id="too late"),
        pytest.param(FramewatchCallError(CODE.INTERNAL, "X", "no"), False, id="internal"),
        pytest.param(PermissionError(13, "no"), False, id="a file"),
    ],
)  # fmt: skip
def test_which_faults_are_of_all_calls(error: Exception, of_all: bool) -> None:
    assert is_of_all_calls(error) is of_all


class LateClient:
    """Says at once which pictures are broken; all other calls end without an answer, once so many have begun."""

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
        assert [one.picture.error async for one in scored] == errors
