"""Functions for the device thread that are no batches of images."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from typing import Generic, Protocol, TypeVar

from framewatch_server.engine.threads.failures import as_error

ResultT = TypeVar("ResultT")


class DeviceCall(Protocol):
    """Work for the device thread that is no batch of images."""

    def run(self) -> None:
        """Does the work and hands its result, or its error, to the waiting caller."""
        ...

    def refuse(self, error: Exception) -> None:
        """Hands an error to the waiting caller instead, if it has no result yet."""
        ...


class FunctionCall(Generic[ResultT]):
    """A function with the future of its result."""

    def __init__(self, function: Callable[[], ResultT]) -> None:
        self._function = function
        self.future: Future[ResultT] = Future()

    def run(self) -> None:
        """See `DeviceCall.run`."""
        if not self.future.set_running_or_notify_cancel():
            return
        try:
            result = self._function()
        except BaseException as raised:
            self.future.set_exception(as_error(raised, "the device's work"))
        else:
            self.future.set_result(result)

    def refuse(self, error: Exception) -> None:
        """See `DeviceCall.refuse`."""
        if self.future.running() or (not self.future.done() and self.future.set_running_or_notify_cancel()):
            self.future.set_exception(error)
