"""Mutations of messages: of their fields, with values at the edges of what types and the server permit, and of bytes."""

from __future__ import annotations

import struct
from random import Random
from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from tests.fuzz.messages.seeds import pictures

_U32, _U64 = 2**32 - 1, 2**64 - 1
_INTS = {
    FieldDescriptor.TYPE_INT32: (
        0,
        1,
        -1,
        999_999_999,
        1_000_000_000,
        -999_999_999,
        -1_000_000_000,
        2**31 - 1,
        -(2**31),
    ),
    FieldDescriptor.TYPE_INT64: (
        *(0, 1, -1, 5, 10, 59, 60, 61, 2**31, 2**63 - 1, -(2**63)),
        *(
            315_576_000_000,
            315_576_000_001,
            -315_576_000_000,
            253_402_300_799,
            253_402_300_800,
            -62_135_596_800,
            -62_135_596_801,
        ),
    ),
    FieldDescriptor.TYPE_UINT32: (0, 1, 2, 7, 8, 16, 99, 100, 101, 65_535, 65_536, 2**31 - 1, 2**31, _U32),
    FieldDescriptor.TYPE_UINT64: (0, 1, 2, 3, 4, 5, 6, 100, 2**53, 2**53 + 1, 2**63 - 1, 2**63, _U64 - 1, _U64),
    FieldDescriptor.TYPE_ENUM: (0, 1, 2, 3, 4, 5, 6, 7, 8, 99, -1, 2**31 - 1, -(2**31)),
}
_FLOATS = (
    *(
        0.0,
        -0.0,
        1.0,
        -1.0,
        0.5,
        0.3,
        0.7,
        2.0,
        1e-45,
        1.1754943508222875e-38,
        1e-7,
        0.99999994,
        1.0000001,
        3.4028235e38,
    ),
    *(float("nan"), float("inf"), float("-inf")),
)
_DOUBLES = (*_FLOATS, 5e-324, 1e-300, 1e-100, 1e-9, 1e9, 1e100, 1.7976931348623157e308, 30.0, 0.999999, 1 + 1e-6)
_STRINGS = (
    *("", " ", "a", "b", "r", "t", "left", "right", "m", "{label}", "{label} {label}", "a photo of {label}", "a cat"),
    *(
        "\x00",
        "\n\x1b[2J",
        "\u202e",
        "漢" * 256,
        "漢" * 257,
        "x" * 256,
        "x" * 257,
        "x" * 2000,
        "x" * 2001,
        "\U0010ffff" * 300,
    ),
    *("'" * 100, "%", "%n%s", "e-1", "e-999999999999999999999"),
)
_BYTES = (b"", b"\x00", b"\xff" * 64, b"x" * 191, b"x" * 192, b"x" * 193, b"x" * 1000, *pictures())
_MANY = (2, 3, 33, 65, 129, 1001)


class Mutator:
    """Makes mutations of one random sequence; `tokens`: texts of the server that requests may repeat."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.tokens: list[str] = ["t"]

    def mutated(self, message: Message, count: int) -> Message:
        """Returns a copy with so many fields changed."""
        copy = type(message)()
        copy.CopyFrom(message)
        for _ in range(count):
            self._change(copy)
        return copy

    def change_inside(self, request: Any, count: int) -> None:
        """Changes so many fields of the message in a stream's request, which keeps its kind."""
        if (kind := request.WhichOneof("request")) is None:
            return
        inside = getattr(request, kind)
        # one frame with a number or a time far ahead puts all after it out of order
        for _ in range(count):
            self._change(inside.image if kind == "frame" and self.random.random() < 0.8 else inside)

    def mutated_bytes(self, data: bytes) -> bytes:
        """Returns bytes that are changed in a few places."""
        random, changed = self.random, bytearray(data)
        for _ in range(random.choice((1, 1, 2, 4))):
            at = random.randrange(len(changed) + 1)
            match random.randrange(6):
                case 0 if at < len(changed):
                    changed[at] ^= 1 << random.randrange(8)
                case 1 if at < len(changed):
                    changed[at] = random.choice((0, 1, 0x7F, 0x80, 0xFF, random.randrange(256)))
                case 2:
                    changed[at:at] = random.randbytes(random.choice((1, 2, 8)))
                case 3:
                    del changed[at : at + random.choice((1, 2, 8, 64))]
                case 4:
                    changed[at:at] = changed[at : at + random.choice((2, 16, 64))]
                case _:
                    changed[at : at + 8] = struct.pack("<d", random.choice(_DOUBLES))
        return bytes(changed)

    def _change(self, message: Message) -> None:
        """Changes a field of a message, or of one of those in it."""
        random, fields = self.random, message.DESCRIPTOR.fields
        if not fields:
            return
        field = fields[random.randrange(len(fields))]
        if field.is_repeated:
            self._change_elements(getattr(message, field.name), field)
        elif field.message_type is not None:
            if random.random() < 0.15:
                message.ClearField(field.name)
            else:
                inner = getattr(message, field.name)
                inner.SetInParent()
                self._change(inner)
        elif random.random() < 0.1:
            message.ClearField(field.name)
        else:
            setattr(message, field.name, self._value(field))

    def _change_elements(self, elements: Any, field: FieldDescriptor) -> None:
        random = self.random
        choice = random.random()
        if choice < 0.15 and len(elements):
            del elements[random.randrange(len(elements))]
        elif choice < 0.2:
            del elements[:]
        elif choice < 0.24:
            count = random.choice(_MANY)
            last = elements[-1] if len(elements) else None
            for _ in range(count):
                self._add(elements, field, last)
        elif choice < 0.4:
            self._add(elements, field, elements[random.randrange(len(elements))] if len(elements) else None)
        elif field.message_type is None:
            if len(elements) and choice < 0.8:
                elements[random.randrange(len(elements))] = self._value(field)
            else:
                elements.append(self._value(field))
        else:
            self._change(
                elements[random.randrange(len(elements))] if len(elements) and choice < 0.9 else elements.add()
            )

    def _add(self, elements: Any, field: FieldDescriptor, like: Any) -> None:
        if field.message_type is None:
            elements.append(self._value(field) if like is None else like)
        elif like is None:
            elements.add()
        else:
            elements.add().CopyFrom(like)

    def _value(self, field: FieldDescriptor) -> Any:
        random = self.random
        match field.type:
            case FieldDescriptor.TYPE_STRING:
                return random.choice(self.tokens if random.random() < 0.2 else _STRINGS)
            case FieldDescriptor.TYPE_BYTES:
                return random.choice(_BYTES)
            case FieldDescriptor.TYPE_BOOL:
                return random.random() < 0.5
            case FieldDescriptor.TYPE_FLOAT:
                return random.choice(_FLOATS)
            case FieldDescriptor.TYPE_DOUBLE:
                return random.choice(_DOUBLES)
            case number:
                return random.choice(_INTS[number])
