"""The error tree: every error that a caller can meet, with its stable reason.

    FramewatchError
    ├── FieldError                       a fault of one field of a request
    │   ├── InvalidRequest               INVALID_ARGUMENT
    │   │   ├── MalformedMessage
    │   │   ├── MissingField
    │   │   ├── InvalidLabelSet
    │   │   ├── InvalidRule
    │   │   ├── InvalidRegion
    │   │   ├── EmptyImage
    │   │   ├── UnsupportedFormat
    │   │   ├── UndecodableImage
    │   │   ├── InvalidRawImage
    │   │   ├── FrameOutOfOrder
    │   │   ├── InvalidMaterial          in `calibration.material`
    │   │   └── InvalidTruth             in `calibration.truth`
    │   ├── LimitExceeded                RESOURCE_EXHAUSTED
    │   │   └── ImageTooLarge
    │   └── NotFinite                    INTERNAL
    ├── MissingConfig                    FAILED_PRECONDITION
    ├── ModelNotFound                    NOT_FOUND
    ├── ServerUnavailable                UNAVAILABLE
    │   ├── ServerStarting
    │   └── ServerDraining
    ├── ClientNotReading                 UNAVAILABLE
    ├── StreamTakenOver                  ABORTED
    ├── InternalError                    INTERNAL
    └── ModelLoadError                   before the server serves

`framewatch_server.rpc.status` alone makes a `google.rpc.Status` of them. The client's own errors
(`framewatch_client.errors`) are below FramewatchError too, so that one `except` catches all.
"""

from __future__ import annotations

import copyreg
from copy import copy
from typing import Any, Self


class FramewatchError(Exception):
    """Root of the tree: a fault that the caller learns of.

    Attributes:
        reason: stable name of the fault, UPPER_SNAKE_CASE.
        message: what was wrong, what was expected and what to do.
        metadata: further facts by name, for programs.

    """

    reason: str = "INTERNAL"

    def __init__(self, message: str, **metadata: str) -> None:
        super().__init__(message)
        self.message = message
        self.metadata = metadata

    def __reduce__(self) -> tuple[Any, ...]:
        """Returns a pickle without a call of `__init__`, whose arguments are not those that `Exception` keeps."""
        return copyreg.__newobj__, (type(self), *self.args), self.__dict__  # type: ignore[attr-defined]


class FieldError(FramewatchError):
    """A fault of one field of a request; `field` is its path, such as `label_set.labels[2].name`."""

    def __init__(self, message: str, field: str = "", **metadata: str) -> None:
        super().__init__(message, **metadata)
        self.field = field

    def under(self, parent: str) -> Self:
        """Returns a copy whose path begins with that of the message that has the field.

        It is a copy since several callers may wait for the work that failed, each with a path of its own.
        """
        joint = "." if self.field and not self.field.startswith("[") else ""
        error = copy(self)
        error.field = f"{parent}{joint}{self.field}"
        return error


class InvalidRequest(FieldError):
    """A field has a value that is not allowed (INVALID_ARGUMENT)."""

    reason = "INVALID_FIELD"


class MalformedMessage(InvalidRequest):
    """Bytes that are no message of the call."""

    reason = "MALFORMED_MESSAGE"


class MissingField(InvalidRequest):
    """A required field is absent."""

    reason = "MISSING_FIELD"


class InvalidLabelSet(InvalidRequest):
    """A label set without labels, or with names, prompts, templates or examples that can't be used."""

    reason = "INVALID_LABEL_SET"


class InvalidRule(InvalidRequest):
    """An event rule with values that contradict each other or the stream."""

    reason = "INVALID_RULE"


class InvalidRegion(InvalidRequest):
    """A region that is no part of the frame, or has no id of its own."""

    reason = "INVALID_REGION"


class EmptyImage(InvalidRequest):
    """An image without bytes."""

    reason = "EMPTY_IMAGE"


class UnsupportedFormat(InvalidRequest):
    """Bytes that are no JPEG, PNG or WebP, or a kind of these that is not supported."""

    reason = "UNSUPPORTED_FORMAT"


class UndecodableImage(InvalidRequest):
    """Bytes of a known format that are broken or cut off."""

    reason = "UNDECODABLE_IMAGE"


class InvalidRawImage(InvalidRequest):
    """Raw pixels whose size, stride and format contradict each other."""

    reason = "INVALID_RAW_IMAGE"


class FrameOutOfOrder(InvalidRequest):
    """A frame whose number or time is not after the last frame's."""

    reason = "OUT_OF_ORDER"


class LimitExceeded(FieldError):
    """A limit was exceeded (RESOURCE_EXHAUSTED); the metadata has its name, its value and the actual value."""

    reason = "LIMIT_EXCEEDED"

    def __init__(self, what: str, *, limit: str, maximum: int, actual: int, field: str = "") -> None:
        super().__init__(
            f"{what}: {actual:,} exceed the limit {limit} of {maximum:,}",
            field,
            limit=limit,
            maximum=str(maximum),
            actual=str(actual),
        )


class ImageTooLarge(LimitExceeded):
    """An image with more bytes or pixels than the limit."""

    reason = "IMAGE_TOO_LARGE"


class MissingConfig(FramewatchError):
    """A stream whose first message is no config (FAILED_PRECONDITION)."""

    reason = "MISSING_CONFIG"


class ModelNotFound(FramewatchError):
    """A model name that is not loaded (NOT_FOUND)."""

    reason = "MODEL_NOT_FOUND"


class ServerUnavailable(FramewatchError):
    """A server that can't answer now; a retry, here or elsewhere, helps (UNAVAILABLE)."""

    reason = "SERVER_UNAVAILABLE"


class ServerStarting(ServerUnavailable):
    """A server that is still loading its model."""

    reason = "SERVER_STARTING"


class ServerDraining(ServerUnavailable):
    """A server that is shutting down; another one, or its successor, will answer."""

    reason = "SERVER_DRAINING"


class ClientNotReading(FramewatchError):
    """A stream whose client has read nothing for a while; it can be resumed (UNAVAILABLE)."""

    reason = "CLIENT_NOT_READING"


class StreamTakenOver(FramewatchError):
    """A stream that another one has resumed with its token (ABORTED)."""

    reason = "STREAM_TAKEN_OVER"


class InternalError(FramewatchError):
    """A fault of the server (INTERNAL); the metadata's `error_id` finds it in the server's log."""

    reason = "INTERNAL"


class NotFinite(FieldError):
    """Numbers that are not finite, which the model returned for an image (INTERNAL)."""

    reason = "NOT_FINITE"


class ModelLoadError(FramewatchError):
    """A model that could not be loaded; raised before the server serves."""

    reason = "MODEL_LOAD_FAILED"
