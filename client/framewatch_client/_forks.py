"""Forks of the process. The threads of gRPC and of clients stay with the parent, so a child's call would never end."""

from __future__ import annotations

import ctypes
import os
import weakref
from dataclasses import dataclass

from framewatch_client.errors import ClientForked

# gRPC would start threads in each child that serve the parent's connections there, which crashes the child now and then
os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")

_handles: weakref.WeakSet[object] = weakref.WeakSet()
"""Channels and streams' calls of this process that exist, closed or not."""


@dataclass(slots=True)
class _State:
    """Use of gRPC by this process and its parents.

    Attributes:
        is_used: True if a channel was ever opened. gRPC's threads outlast the last one for a while.
        is_inherited: True if a parent had opened one when it forked: gRPC's locks may be held by threads that are
            missing here.

    """

    is_used: bool = False
    is_inherited: bool = False


_state = _State()


class Process:
    """The process that something was made in."""

    def __init__(self) -> None:
        self._id = os.getpid()

    @property
    def is_current(self) -> bool:
        """True unless the process has forked, and this is the child."""
        return os.getpid() == self._id

    def check(self) -> None:
        """Raises ClientForked in a child."""
        if not self.is_current:
            raise ClientForked(
                "this client was made before the process forked, and its connection and threads are the parent's: "
                f"make one in the child. {_OTHER_WAYS}"
            )


def register(handle: object) -> None:
    """Notes a channel that was opened, or a call on it that may last."""
    _state.is_used = True
    _handles.add(handle)


def check_channels_work() -> None:
    """Raises ClientForked if no channel can be opened here, since a parent had opened one before it forked."""
    if _state.is_inherited:
        raise ClientForked(
            "a client had connected in the parent process before it forked, so gRPC can't be used in this child: fork "
            f"before the first call of a client. {_OTHER_WAYS}"
        )


def _note_fork() -> None:
    _state.is_inherited = _state.is_inherited or _state.is_used
    for handle in _handles:
        # to free it here would wait for gRPC's threads, even at the end of the program
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(handle))


_OTHER_WAYS = (
    "Or start the child with multiprocessing's method 'spawn' or 'forkserver' (multiprocessing.get_context('spawn')), "
    "in which clients work as anywhere"
)

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_note_fork)
