"""Errors that may be handed from a thread to the caller who waits for its result."""

from __future__ import annotations

from concurrent.futures import CancelledError

_MISTAKEN = (StopIteration, StopAsyncIteration, CancelledError)
"""Exceptions that mean something else to a waiting coroutine: asyncio's futures refuse the first two, and the last one
looks as if the caller had been cancelled."""


def as_error(raised: BaseException, work: str) -> Exception:
    """Returns an error that every future takes: the raised one, or one that has it as its cause.

    Args:
        raised: by the work.
        work: the work's name, for the message.

    """
    if isinstance(raised, Exception) and not isinstance(raised, _MISTAKEN):
        return raised
    error = RuntimeError(f"{work} raised {type(raised).__name__}")
    error.__cause__ = raised
    return error
