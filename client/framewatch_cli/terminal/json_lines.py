"""Protobuf messages as lines of JSON."""

from __future__ import annotations

import sys

from google.protobuf.json_format import MessageToJson
from google.protobuf.message import Message


def json_line(message: Message) -> str:
    """Returns a message on one line in protobuf's JSON mapping, with the .proto's field names and with zeros."""
    return MessageToJson(
        message,
        preserving_proto_field_name=True,
        always_print_fields_with_no_presence=True,
        ensure_ascii=False,
        indent=None,
    )


def print_json(message: Message) -> None:
    """Prints a message as a line of JSON on standard output, at once: programs read the lines as they come."""
    sys.stdout.write(json_line(message) + "\n")
    sys.stdout.flush()
