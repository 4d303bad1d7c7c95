"""The log of the server's own faults: each kind now and then, however many frames meet it."""

from __future__ import annotations

import time
import uuid
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import TypeAlias

import structlog

_PAUSE_S = 60.0
_MAX_KINDS = 100

_Kind: TypeAlias = tuple[type[BaseException], str, int]  # the error's type, and where it was raised

_log = structlog.get_logger()


@dataclass(slots=True)
class _Logged:
    """The last entry of a kind: its id, when it was written, and how many errors have come since."""

    error_id: str
    at_s: float
    since: int = 0


class ErrorLog:
    """Logs errors under ids; of a kind that comes again within a minute the count alone, with its next entry."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """`clock`: in seconds."""
        self._clock = clock
        self._kinds: OrderedDict[_Kind, _Logged] = OrderedDict()

    def report(self, error: Exception) -> str:
        """Logs an error, unless its kind was logged just before; returns the id under which the log has the cause."""
        kind, now = _kind(error), self._clock()
        last = self._kinds.get(kind)
        if last is not None and now - last.at_s < _PAUSE_S:
            last.since += 1
            return last.error_id
        error_id = uuid.uuid4().hex[:12]
        repeated = {} if last is None or not last.since else {"since_the_last_entry": last.since}
        _log.error("internal error", error_id=error_id, exc_info=error, **repeated)
        self._kinds[kind] = _Logged(error_id, now)
        self._kinds.move_to_end(kind)
        if len(self._kinds) > _MAX_KINDS:
            self._kinds.popitem(last=False)
        return error_id


def _kind(error: BaseException) -> _Kind:
    place: TracebackType | None = error.__traceback__
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    if place is None:
        return type(error), "", 0
    return type(error), place.tb_frame.f_code.co_filename, place.tb_lineno
