"""Errors that the client raises on purpose. `except FramewatchError` catches them all.

    FramewatchError                     reason, message, metadata
    ├── FramewatchCallError             a call failed, with gRPC's code: mostly, the server refused it
    │   ├── ServerUnreachableError      no server answers, or the connection to it broke
    │   └── StreamEndedEarly            the server ended a stream before its last result, and gave no reason
    ├── InvalidResponse                 the server's answer can't be used
    ├── ModelNotFound                   none of the server's models fits
    ├── ClientClosed                    the client was closed, before a call or while it ran
    ├── ClientForked                    the client is used in a child of its process, by os.fork
    ├── SourceError                     a source of frames can't be opened, or broke off
    ├── InvalidValue                    an argument has a value that can't be used; also a ValueError
    ├── InvalidType                     an argument has a type that can't be used; also a TypeError
    └── FieldError                      a label, rule, region or image can't be used: InvalidRule, EmptyImage, ...

The root, ModelNotFound, FieldError and what is below it stand in `framewatch_core.errors`. Two kinds of errors pass
through as they are: an OSError of a file that can't be read, and anything that the caller's own frames or callbacks
raise.
"""

from __future__ import annotations

from collections.abc import Mapping

import grpc

from framewatch_core.errors import FramewatchError


class FramewatchCallError(FramewatchError):
    """A call failed: the server refused or ended it, or did not answer in time.

    Attributes:
        code: gRPC's status code.
        reason: stable name of the fault, UPPER_SNAKE_CASE; the code's name if the server gave none.
        message: what was wrong, what was expected and what to do.
        fields: for bad fields, their paths and what is wrong with each.
        metadata: further facts by name, such as `limit`, `maximum` and `actual`, or `error_id`.
        transient: True if the server, or the connection to it, was lost: the same call may succeed later.

    """

    def __init__(
        self,
        code: grpc.StatusCode,
        reason: str,
        message: str,
        *,
        fields: Mapping[str, str] | None = None,
        metadata: Mapping[str, str] | None = None,
        transient: bool = False,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason
        self.fields = dict(fields or {})
        self.metadata = dict(metadata or {})
        self.transient = transient or code is grpc.StatusCode.UNAVAILABLE

    def __str__(self) -> str:
        where = f" (field {', '.join(self.fields)})" if self.fields else ""
        return f"{self.message}{where} [{self.reason}]"


class ServerUnreachableError(FramewatchCallError):
    """No server answers at the address, or the connection to it broke."""

    def __init__(self, message: str) -> None:
        super().__init__(grpc.StatusCode.UNAVAILABLE, "SERVER_UNREACHABLE", message)

    def __str__(self) -> str:
        return self.message


class StreamEndedEarly(FramewatchCallError):
    """A stream that the server ended before its last result without a reason."""

    def __init__(self, message: str, *, transient: bool = False) -> None:
        super().__init__(grpc.StatusCode.UNKNOWN, "STREAM_ENDED_EARLY", message, transient=transient)


class InvalidResponse(FramewatchError):
    """A server's answer that does not fit the call."""

    reason = "INVALID_RESPONSE"

    def __init__(self, what: str) -> None:
        """Creates the error. `what`: a clause that states what was received and what was expected."""
        super().__init__(
            f"the server's answer can't be used: {what}; update the server or the client, whichever is older"
        )


class ClientClosed(FramewatchError):
    """A call whose client was closed by the caller, before it or while it ran."""

    reason = "CLIENT_CLOSED"

    def __init__(self) -> None:
        super().__init__("the client was closed, which ended its calls: make a new client for further ones")


class ClientForked(FramewatchError):
    """A call in a child of the process, made by `os.fork`, where the client's connection and threads are missing."""

    reason = "CLIENT_FORKED"


class SourceError(FramewatchError):
    """A source of frames that can't be opened or broke off; the message states what was tried and what to do."""

    reason = "SOURCE_FAILED"


class InvalidValue(FramewatchError, ValueError):
    """An argument with a value that can't be used."""

    reason = "INVALID_VALUE"


class InvalidType(FramewatchError, TypeError):
    """An argument of a type that can't be used."""

    reason = "INVALID_TYPE"
