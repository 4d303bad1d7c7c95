"""Messages as they arrive: written and read again."""

from __future__ import annotations

from typing import TypeVar

from google.protobuf.message import Message

MessageT = TypeVar("MessageT", bound=Message)


def sent(message: MessageT) -> MessageT:
    return type(message).FromString(message.SerializeToString())
