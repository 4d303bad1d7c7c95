"""What the server finds questionable in a stream's configs, told once."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from framewatch_client.answers import ServerWarning

_log = logging.getLogger("framewatch_client")


def log_warning(warning: ServerWarning) -> None:
    """Warns of it through the logger `framewatch_client`."""
    _log.warning("%s", warning)


class ConfigWarnings:
    """Passes on each warning once, however often its config is sent.

    A connection that comes back sends its configs again, and a config that differs little from the one before it has
    the same warnings. The server is silent about a config without any, which shows in the versions: after one that was
    passed over, all are told.
    """

    def __init__(self, tell: Callable[[ServerWarning], object]) -> None:
        self._tell = tell
        self._version = 0
        self._last: frozenset[ServerWarning] = frozenset()

    def take(self, version: int, warnings: Sequence[ServerWarning]) -> None:
        """The warnings of a config. `version`: the client's count of the stream's configs, from 1."""
        if version <= self._version:
            return
        known = self._last if version == self._version + 1 else frozenset()
        fresh = [warning for warning in warnings if warning not in known]
        self._version, self._last = version, frozenset(warnings)
        for warning in fresh:
            self._tell(warning)
