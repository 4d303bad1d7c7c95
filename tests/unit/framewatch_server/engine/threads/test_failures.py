"""Errors that may be handed to a waiting caller."""

from __future__ import annotations

import asyncio
from concurrent.futures import CancelledError

import pytest

from framewatch_core.errors import UndecodableImage
from framewatch_server.engine.threads.failures import as_error


@pytest.mark.parametrize(
    "raised", [ValueError("v"), UndecodableImage("u", "encoded"), MemoryError(), OSError(28, "full")]
)
def test_ordinary_errors_are_passed_on(raised: Exception) -> None:
    assert as_error(raised, "work") is raised


@pytest.mark.parametrize(
    "raised",
    [
        SystemExit(1),
        KeyboardInterrupt(),
        GeneratorExit(),
        StopIteration(3),
        StopAsyncIteration(),
        asyncio.CancelledError(),
        CancelledError(),
    ],
    ids=lambda raised: type(raised).__name__,
)
async def test_an_exception_that_means_something_else_to_its_caller_is_the_cause_of_an_error(
    raised: BaseException,
) -> None:
    error = as_error(raised, "the tower")
    future = asyncio.get_running_loop().create_future()
    future.set_exception(error)
    with pytest.raises(RuntimeError, match=f"the tower raised {type(raised).__name__}") as caught:
        await future
    assert caught.value.__cause__ is raised
