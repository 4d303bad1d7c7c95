"""Every error that a caller can meet, with its stable reason.

The tree says what kind of fault it is; `framewatch_server.rpc.status` alone turns it into a `google.rpc.Status`.
"""

from __future__ import annotations

from typing import Self


class FramewatchError(Exception):
    """A fault that is told to the caller.

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


class FieldError(FramewatchError):
    """A fault of one field of a request; `field` is its path, such as `label_set.labels[2].name`."""

    def __init__(self, message: str, field: str = "", **metadata: str) -> None:
        super().__init__(message, **metadata)
        self.field = field

    def under(self, parent: str) -> Self:
        """The same error with the path of the message that holds the field in front.

        A copy: several callers may wait for what failed, each with a path of its own.
        """
        joint = "." if self.field and not self.field.startswith("[") else ""
        error = type(self).__new__(type(self), *self.args)
        error.__dict__.update(self.__dict__)
        error.field = f"{parent}{joint}{self.field}"
        return error


class InvalidRequest(FieldError):
    """A field has a value that is not allowed (INVALID_ARGUMENT)."""

    reason = "INVALID_FIELD"


class MissingField(InvalidRequest):
    """A required field is absent."""

    reason = "MISSING_FIELD"


class InvalidLabelSet(InvalidRequest):
    """A label set without labels, or with empty or repeated names, prompts or templates that can't be used."""

    reason = "INVALID_LABEL_SET"


class InvalidRule(InvalidRequest):
    """An event rule that can't be followed."""

    reason = "INVALID_RULE"


class InvalidRegion(InvalidRequest):
    """A part of the frame that is none, or without a name of its own."""

    reason = "INVALID_REGION"


class EmptyImage(InvalidRequest):
    """An image without bytes."""

    reason = "EMPTY_IMAGE"


class UnsupportedFormat(InvalidRequest):
    """Bytes that are no JPEG, PNG or WebP, or a kind of these that is not read."""

    reason = "UNSUPPORTED_FORMAT"


class UndecodableImage(InvalidRequest):
    """Bytes of a known format that are broken or cut off."""

    reason = "UNDECODABLE_IMAGE"


class InvalidRawImage(InvalidRequest):
    """Raw pixels whose size, stride and format don't fit each other."""

    reason = "INVALID_RAW_IMAGE"


class FrameOutOfOrder(InvalidRequest):
    """A frame whose number or time went back or stood still."""

    reason = "OUT_OF_ORDER"


class LimitExceeded(FieldError):
    """A limit was passed (RESOURCE_EXHAUSTED); the metadata names it, its value and what was asked."""

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
    """An image with more bytes or pixels than are taken."""

    reason = "IMAGE_TOO_LARGE"


class MissingConfig(FramewatchError):
    """A stream's first message was no config (FAILED_PRECONDITION)."""

    reason = "MISSING_CONFIG"


class ModelNotFound(FramewatchError):
    """No model of that name is loaded (NOT_FOUND)."""

    reason = "MODEL_NOT_FOUND"


class ServerUnavailable(FramewatchError):
    """The server can't answer now; trying again, here or elsewhere, helps (UNAVAILABLE)."""

    reason = "SERVER_UNAVAILABLE"


class ServerStarting(ServerUnavailable):
    """The server is still loading its model."""

    reason = "SERVER_STARTING"


class ServerDraining(ServerUnavailable):
    """The server is ending; another one, or this one later, will answer."""

    reason = "SERVER_DRAINING"


class StreamTakenOver(FramewatchError):
    """Another stream has gone on from where this one was, with its resume token (ABORTED)."""

    reason = "STREAM_TAKEN_OVER"


class InternalError(FramewatchError):
    """A fault of the server; the metadata's `error_id` is in its log (INTERNAL)."""

    reason = "INTERNAL"


class NotFinite(FieldError):
    """The model gave no finite numbers for an image (INTERNAL)."""

    reason = "NOT_FINITE"


class ModelLoadError(FramewatchError):
    """A model could not be loaded; raised before the server serves."""

    reason = "MODEL_LOAD_FAILED"
