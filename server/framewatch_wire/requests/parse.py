"""Serialised requests as messages."""

from __future__ import annotations

from typing import TypeVar, cast

from google.protobuf.descriptor import Descriptor
from google.protobuf.message import DecodeError, Message

from framewatch_core.errors import MalformedMessage
from framewatch_wire.requests.counts import COUNTS, Counts
from framewatch_wire.requests.scan import scan

_SCANNED_FROM = 4096
"""Bytes of a request from which on it is scanned: a smaller one takes little memory whatever is in it."""

MessageT = TypeVar("MessageT", bound=Message)


def parsed(data: bytes, message_type: type[MessageT], counts: Counts = COUNTS) -> MessageT:
    """Returns a request as a message. Raises MalformedMessage; LimitExceeded for too many elements of a field."""
    if len(data) >= _SCANNED_FROM:
        scan(data, cast("Descriptor", message_type.DESCRIPTOR), counts)
    try:
        return message_type.FromString(data)
    except DecodeError:
        raise MalformedMessage(
            f"the {len(data):,} bytes are no {message_type.DESCRIPTOR.full_name}: send what a stub made from the "
            "server's .proto writes"
        ) from None
