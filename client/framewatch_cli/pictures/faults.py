"""The fault of a failed call: one picture, which is left out, or something that all calls share, which ends the run."""

from __future__ import annotations

import re
from enum import Enum, auto

import grpc

from framewatch_client import FramewatchCallError, FramewatchError, SourceError

# the path `images` alone names no picture: too many were sent, or none
_IMAGE = re.compile(r"image(?:s\[(\d+)\])?(?:\.|$)")
_SHARED = frozenset(
    {
        grpc.StatusCode.NOT_FOUND,
        grpc.StatusCode.UNAUTHENTICATED,
        grpc.StatusCode.PERMISSION_DENIED,
        grpc.StatusCode.UNIMPLEMENTED,
        grpc.StatusCode.FAILED_PRECONDITION,
    }
)


class RunFailed(FramewatchError):
    """A run of many calls that can't go on, although no call was refused as a whole. Its results so far are kept."""


class ModelReplaced(RunFailed):
    """A model that has other weights in the middle of a run, since the server was restarted with them."""

    reason = "MODEL_REPLACED"


class AllPicturesFailed(RunFailed):
    """Pictures that failed alone, one after the other. Reason and metadata are those of the last one's call."""

    def __init__(self, message: str, error: FramewatchCallError) -> None:
        """`error`: of the last picture's call."""
        super().__init__(message)
        self.reason = error.reason
        self.metadata = error.metadata


class Fault(Enum):
    """The cause of a failed call.

    Attributes:
        PICTURE: one picture, which `picture_at_fault` names.
        UNCLEAR: one of the call's pictures, or the server.
        SHARED: what every other call has too: the server, the model or the labels.

    """

    PICTURE = auto()
    UNCLEAR = auto()
    SHARED = auto()


def fault_of(error: FramewatchCallError, picture_count: int = 1) -> Fault:
    """Returns the cause of the failure of a call with `picture_count` pictures."""
    if error.transient or error.code in _SHARED:
        return Fault.SHARED
    if picture_at_fault(error, picture_count) is not None:
        return Fault.PICTURE
    if error.fields:
        return Fault.SHARED
    if error.code is grpc.StatusCode.RESOURCE_EXHAUSTED:
        return Fault.UNCLEAR if _is_large_message(error) else Fault.SHARED
    if is_too_late(error):
        return Fault.UNCLEAR if picture_count == 1 else Fault.SHARED
    return Fault.UNCLEAR


def picture_at_fault(error: FramewatchCallError, picture_count: int) -> int | None:
    """Returns the number of the picture that failed a call with `picture_count` of them; None: it is not known."""
    for path in error.fields:
        named = _IMAGE.match(path)
        if named is not None and int(named[1] or 0) < picture_count:
            return int(named[1] or 0)
    return 0 if _is_large_message(error) and picture_count == 1 else None


def is_too_late(error: Exception) -> bool:
    """True if the server did not answer a call in time."""
    return isinstance(error, FramewatchCallError) and error.code is grpc.StatusCode.DEADLINE_EXCEEDED


def _is_large_message(error: FramewatchCallError) -> bool:
    """True if gRPC itself refused the message for its size; it gives no further details."""
    return error.code is grpc.StatusCode.RESOURCE_EXHAUSTED and error.reason == error.code.name


def fault_text(error: Exception) -> str:
    """Returns an error of a picture as a sentence, without the picture's name but with the error's reason."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    if isinstance(error, FramewatchError) and not isinstance(error, SourceError):
        return f"{error.message} [{error.reason}]"
    return str(error)
