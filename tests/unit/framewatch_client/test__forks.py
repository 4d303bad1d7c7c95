"""Clients in children of `os.fork`, where gRPC's threads are missing: they work, or raise at once."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no os.fork")

FORKED = "CLIENT_FORKED"


@pytest.mark.parametrize(
    ("parent", "child", "expected"),
    [
        ("fresh", "blocking_call", "fake"),
        ("fresh", "blocking_stream", "3"),
        ("fresh", "asynchronous_call", "fake"),
        ("unused", "blocking_call", FORKED),
        ("unused", "blocking_stream", FORKED),
        ("unused_asynchronous", "asynchronous_call", "fake"),
        ("used", "blocking_call", FORKED),
        ("used", "nothing", "nothing"),
        ("used_asynchronous", "asynchronous_call", FORKED),
        ("used_asynchronous", "nothing", "nothing"),
        ("closed", "blocking_call", FORKED),
        ("closed", "asynchronous_call", FORKED),
        ("forgotten", "blocking_call", FORKED),
        ("streaming", "going_stream", FORKED),
        ("streaming", "nothing", "nothing"),
        ("streaming_asynchronously", "going_asynchronous_stream", FORKED),
        ("streaming_asynchronously", "nothing", "nothing"),
    ],
)
def test_a_child_works_or_raises_at_once(thread_address: str, parent: str, child: str, expected: str) -> None:
    program = [sys.executable, "-m", "tests.unit.framewatch_client.forked", thread_address, parent, child]
    ended = subprocess.run(program, capture_output=True, text=True, timeout=60, check=False)
    assert ended.stdout.splitlines() == [expected, "status 0"], ended.stderr
