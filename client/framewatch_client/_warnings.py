"""The server's warnings about a stream's configs, each reported once."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from framewatch_core.labels.warnings import RequestWarning
from framewatch_core.quoting import one_line

MAX_WARNING_CHARS = 1000
"""Characters that are logged of a warning, whose text is the server's."""

_log = logging.getLogger("framewatch_client")


def log_warning(warning: RequestWarning) -> None:
    """Logs a warning with the logger `framewatch_client`."""
    _log.warning("%s", one_line(str(warning), MAX_WARNING_CHARS))


class WarningReporter:
    """Reports each warning once, however often its config is sent.

    A connection that comes back sends its configs again, and a config that differs little from the one before it has
    the same warnings. The server sends nothing about a config without warnings, which shows as a gap in the versions:
    after a gap, all warnings are reported.
    """

    def __init__(self, report: Callable[[RequestWarning], object]) -> None:
        self._report = report
        self._version = 0
        self._last: frozenset[RequestWarning] = frozenset()

    def take(self, version: int, warnings: Sequence[RequestWarning]) -> None:
        """Takes the warnings of a config. `version`: the client's count of the stream's configs, from 1."""
        if version <= self._version:
            return
        known = self._last if version == self._version + 1 else frozenset()
        fresh = [warning for warning in warnings if warning not in known]
        self._version, self._last = version, frozenset(warnings)
        for warning in fresh:
            self._report(warning)
