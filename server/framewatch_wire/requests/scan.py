"""The fields of a serialised message, counted before it is parsed.

An empty label takes two bytes in a request and hundreds in memory, so a request within the limit on its bytes may not
fit into memory once it is parsed. The scan looks at the keys and lengths alone, and stops at the first field too many.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache

from google.protobuf.descriptor import Descriptor, FieldDescriptor

from framewatch_core.errors import MalformedMessage
from framewatch_core.limits import check_limit
from framewatch_wire.requests.counts import Counts

MAX_FIELDS = 200_000
"""Fields of a request, with those of the messages in it; the largest request that is permitted has half as many."""

QUICK_FIELDS = 2_000
"""Fields that are scanned in a few milliseconds: those of 240 KB can take half a second."""

_is_quick = ContextVar("is_quick", default=False)

_PACKED_BYTES = 64 * 1024  # more than the limits on packed fields permit

_VARINT, _FIXED64, _LENGTH, _GROUP_START, _GROUP_END, _FIXED32 = range(6)
_NEVER_PACKED = {FieldDescriptor.TYPE_MESSAGE, FieldDescriptor.TYPE_STRING, FieldDescriptor.TYPE_BYTES}
_FIXED_BYTES = {_FIXED64: 8, _FIXED32: 4}


class SlowScan(Exception):
    """A request has more fields than are scanned in a few milliseconds."""


@contextmanager
def quick_scans() -> Iterator[None]:
    """Raises SlowScan, for as long as the context lasts, in place of the scan of more than `QUICK_FIELDS`."""
    token = _is_quick.set(True)
    try:
        yield
    finally:
        _is_quick.reset(token)


@dataclass(frozen=True, slots=True)
class _Field:
    """A field that the scan knows.

    Attributes:
        name: its name, and `qualified`: with that of its message, as in `Counts`.
        is_repeated: it has elements.
        is_packable: its elements may stand together in one length of bytes.
        message: its message's descriptor; None: it is no message.

    """

    name: str
    qualified: str
    is_repeated: bool
    is_packable: bool
    message: Descriptor | None


def scan(data: bytes, descriptor: Descriptor, counts: Counts) -> None:
    """Raises LimitExceeded, with the field's path, or MalformedMessage; otherwise it is safe to parse the message.

    See `quick_scans` for SlowScan.
    """
    _Scan(data, counts).scan_message(descriptor, 0, len(data), "")


@cache
def _fields_of(descriptor: Descriptor) -> dict[int, _Field]:
    return {
        field.number: _Field(
            field.name,
            f"{descriptor.name}.{field.name}",
            field.is_repeated,
            field.is_repeated and field.type not in _NEVER_PACKED,
            field.message_type if field.type == FieldDescriptor.TYPE_MESSAGE else None,
        )
        for field in descriptor.fields
    }


class _Scan:
    def __init__(self, data: bytes, counts: Counts) -> None:
        self._data = data
        self._counts = counts
        self._field_count = 0
        self._quick_count = QUICK_FIELDS if _is_quick.get() else MAX_FIELDS

    def scan_message(self, descriptor: Descriptor, position: int, end: int, path: str) -> None:
        """Scans the message in `data[position:end]`; `path`: that of the message with a dot behind it, or empty."""
        fields, found, groups = _fields_of(descriptor), dict[int, int](), 0
        while position < end:
            self._count_field(path)
            key, position = self._varint(position, end)
            wire_type = key & 7
            length = _FIXED_BYTES.get(wire_type, 0)
            if wire_type == _VARINT:
                _, position = self._varint(position, end)
            elif wire_type == _LENGTH:
                length, position = self._varint(position, end)
            elif wire_type in {_GROUP_START, _GROUP_END}:
                groups += 1 if wire_type == _GROUP_START else -1
            if position + length > end or wire_type > _FIXED32:
                raise MalformedMessage("the message is cut off, or is none of protobuf's")
            if not groups and (field := fields.get(key >> 3)) is not None:
                self._look_into(field, key >> 3, found, wire_type, position, length, path)
            position += length

    def _look_into(
        self, field: _Field, number: int, found: dict[int, int], wire_type: int, position: int, length: int, path: str
    ) -> None:
        index = found.get(number, 0)
        if field.is_repeated:
            limit = self._counts.get(field.qualified)
            is_packed = field.is_packable and wire_type == _LENGTH
            found[number] = index + (self._packed_count(position, length) if is_packed else 1)
            if limit is not None:
                limit.check(found[number], path + field.name)
        if field.message is not None and wire_type == _LENGTH:
            inner = f"{path}{field.name}[{index}]." if field.is_repeated else f"{path}{field.name}."
            self.scan_message(field.message, position, position + length, inner)

    def _packed_count(self, position: int, length: int) -> int:
        """Returns how many varints there are in so many bytes; of very many bytes, those in the first of them."""
        return sum(byte < 0x80 for byte in self._data[position : position + min(length, _PACKED_BYTES)])

    def _count_field(self, path: str) -> None:
        self._field_count += 1
        if self._field_count > self._quick_count:
            if self._quick_count < MAX_FIELDS:
                raise SlowScan
            check_limit(
                "fields of the request",
                limit="max_fields",
                maximum=MAX_FIELDS,
                actual=self._field_count,
                field=path.rstrip("."),
            )

    def _varint(self, position: int, end: int) -> tuple[int, int]:
        """Returns a number and the position after it."""
        data, number, shift = self._data, 0, 0
        while position < end and shift < 70:
            byte = data[position]
            position += 1
            number |= (byte & 0x7F) << shift
            if byte < 0x80:
                return number, position
            shift += 7
        raise MalformedMessage("the message is cut off, or is none of protobuf's")
