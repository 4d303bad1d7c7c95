"""Bytes of requests as messages."""

from __future__ import annotations

import pytest

from framewatch.v1 import framewatch_pb2 as pb
from framewatch_core.errors import LimitExceeded, MalformedMessage
from framewatch_wire.requests.parse import parsed


def test_a_message_arrives_as_it_was() -> None:
    message = pb.ClassifyRequest(model="m", image=pb.Image(encoded=b"x" * 10_000))
    assert parsed(message.SerializeToString(), pb.ClassifyRequest) == message


@pytest.mark.parametrize(
    "data", [b"\xff", b"\xff" * 5000, b"\x0a\x02\xff\xfe"], ids=["short", "long", "text that is no UTF-8"]
)
def test_garbage_is_malformed(data: bytes) -> None:
    with pytest.raises(MalformedMessage, match=r"framewatch\.v1\.ClassifyRequest|cut off"):
        parsed(data, pb.ClassifyRequest)


def test_a_large_message_is_refused_before_it_is_parsed() -> None:
    data = pb.EmbedRequest(texts=["x"] * 10_000).SerializeToString()
    with pytest.raises(LimitExceeded, match="max_texts"):
        parsed(data, pb.EmbedRequest)
