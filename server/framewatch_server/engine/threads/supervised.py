"""The one kind of thread that the engine has: whatever its work raises, it goes on and the work is answered."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Sequence

import structlog

from framewatch_server.engine.threads.failures import as_error
from framewatch_server.engine.threads.names import publish_thread_name

_FIRST_PAUSE_S = 0.01
_LONGEST_PAUSE_S = 1.0
_MOST_DOUBLINGS = 16

_log = structlog.get_logger()


class WorkMark:
    """The number of the piece of work that a thread does; read by the watchdog from another thread."""

    def __init__(self) -> None:
        self._count = 0
        self.number: int | None = None
        """None: the thread waits for work."""

    def begin(self) -> None:
        """Marks the begin of the next piece."""
        self._count += 1
        self.number = self._count

    def end(self) -> None:
        """Marks that the thread waits for work."""
        self.number = None


class SupervisedThread:
    """A daemon thread that repeats a step until it returns False, whatever it raises.

    It is a daemon, so that a thread that hangs in a library does not keep the process alive.

    Attributes:
        mark: of the work; the step keeps it.

    """

    def __init__(
        self,
        name: str,
        step: Callable[[], bool],
        answer: Callable[[Exception], None],
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        """Sets up the thread.

        Args:
            name: the thread's, also for the operating system.
            step: waits for a piece of work and does it; returns False when the thread is to end.
            answer: hands the error of a step to all callers whose work the step had in hand.
            pause: waits so many seconds; used when steps fail one after another, so that they don't take a core.

        """
        self.mark = WorkMark()
        self._step = step
        self._answer = answer
        self._pause = pause
        self._failures = 0  # in a row
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    @property
    def name(self) -> str:
        """The thread's name."""
        return self._thread.name

    def start(self) -> None:
        """Starts the thread."""
        self._thread.start()

    def join(self, timeout_s: float | None = None) -> bool:
        """Waits for the end, at most so long; returns True if the thread has ended, or never began."""
        if self._thread.ident is None:
            return True
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        with contextlib.suppress(BaseException):  # the name is for people, and the thread works without it
            publish_thread_name()
        while self._goes_on():
            pass

    def _goes_on(self) -> bool:
        try:
            goes_on = self._step()
        except BaseException as raised:
            # nothing below may end the thread: those who wait for it would wait for ever
            with contextlib.suppress(BaseException):
                self._failed(raised)
            return True
        self._failures = 0
        return goes_on

    def _failed(self, raised: BaseException) -> None:
        self._failures += 1
        try:
            self._answer(as_error(raised, self.name))
        finally:
            _log.error(
                "a thread's work failed outside of its guards; the thread goes on", thread=self.name, exc_info=raised
            )
            if self._failures > 1:
                self._pause(min(_FIRST_PAUSE_S * 2 ** min(self._failures, _MOST_DOUBLINGS), _LONGEST_PAUSE_S))


def join_all(threads: Sequence[SupervisedThread], timeout_s: float) -> list[str]:
    """Waits for the end of threads, at most so long for all together; returns the names of those that still run."""
    deadline_s = time.monotonic() + timeout_s
    return [thread.name for thread in threads if not thread.join(max(0.0, deadline_s - time.monotonic()))]
