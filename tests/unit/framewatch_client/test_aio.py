"""Unary calls of both clients, and the blocking stream."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import numpy as np
import pytest

from framewatch.v1 import framewatch_pb2 as pb
from framewatch_client import (
    AsyncFramewatchClient,
    FrameResult,
    FramewatchCallError,
    FramewatchClient,
    ServerUnreachableError,
)
from framewatch_core.errors import InvalidLabelSet
from tests.unit.framewatch_client.fake_server import FakeService, fault

GREY = np.full((8, 8), 128, dtype=np.uint8)


async def test_classify(address: str, service: FakeService, picture_file: Path) -> None:
    async with AsyncFramewatchClient(address) as client:
        answer = await client.classify(picture_file, ["a", "b", "c"], templates=[], top_count=2, model="m")
    assert [(score.label, score.probability) for score in answer.scores] == [("a", 0.5), ("b", 0.25)]
    assert (answer.label, answer.model) == ("a", "fake")
    (request,) = service.calls
    assert isinstance(request, pb.ClassifyRequest)
    assert (request.model, request.top_count) == ("m", 2)
    assert request.image.encoded.startswith(b"\x89PNG")
    assert request.label_set.HasField("templates")
    assert request.label_set.templates.templates == []


async def test_label_asks_for_the_best_alone(address: str, service: FakeService) -> None:
    async with AsyncFramewatchClient(address) as client:
        assert await client.label(GREY, ["a", "b"]) == "a"
    (request,) = service.calls
    assert isinstance(request, pb.ClassifyRequest)
    assert request.top_count == 1
    assert not request.label_set.HasField("templates")


@pytest.mark.parametrize(
    ("candidates", "count"), [([GREY, GREY], 2), ((GREY,), 1), (GREY, 1)], ids=["list", "tuple", "one image"]
)
async def test_similarity(address: str, candidates: object, count: int) -> None:
    async with AsyncFramewatchClient(address) as client:
        answer = await client.similarity(GREY, candidates)  # type: ignore[arg-type]
    assert answer.similarities == (0.25,) * count
    assert answer.best_index == 0


async def test_error_of_the_server(address: str, service: FakeService) -> None:
    service.fault = fault(grpc.StatusCode.NOT_FOUND, "MODEL_NOT_FOUND", "no such model", "model")
    async with AsyncFramewatchClient(address) as client:
        with pytest.raises(FramewatchCallError, match=r"no such model \(field model\) \[MODEL_NOT_FOUND\]"):
            await client.classify(GREY, ["a"])


async def test_an_unavailable_server_is_asked_again(address: str, service: FakeService) -> None:
    service.unary_faults = [grpc.StatusCode.UNAVAILABLE]
    async with AsyncFramewatchClient(address) as client:
        assert await client.label(np.zeros((400, 400, 3), np.uint8), ["a"]) == "a"
    assert len(service.calls) == 2


async def test_other_faults_are_not_retried(address: str, service: FakeService) -> None:
    service.unary_faults = [grpc.StatusCode.INTERNAL]
    async with AsyncFramewatchClient(address) as client:
        with pytest.raises(FramewatchCallError, match="as configured"):
            await client.label(GREY, ["a"])
    assert len(service.calls) == 1


async def test_bad_labels_are_refused_without_a_call(address: str, service: FakeService) -> None:
    async with AsyncFramewatchClient(address) as client:
        with pytest.raises(InvalidLabelSet):
            await client.classify(GREY, [])
    assert service.calls == []


def test_blocking_calls(thread_address: str) -> None:
    with FramewatchClient(thread_address) as client:
        assert client.label(GREY, ["a", "b"]) == "a"
        assert client.classify(GREY, ["a", "b"], top_count=1).best.probability == 0.5
        assert client.similarity(GREY, [GREY]).similarities == (0.25,)


def test_blocking_client_is_shared_by_threads(thread_address: str) -> None:
    with FramewatchClient(thread_address) as client, ThreadPoolExecutor(8) as pool:
        assert list(pool.map(lambda _: client.label(GREY, ["a"]), range(32))) == ["a"] * 32


def test_blocking_stream(thread_address: str, service: FakeService) -> None:
    with FramewatchClient(thread_address) as client:
        results = list(client.stream(((GREY, n / 10) for n in range(10)), ["a", "b"], rules=["a:0.5"]))
    assert [item.frame_id for item in results if isinstance(item, FrameResult)] == list(range(10))
    assert service.configs[0].rules[0].label == "a"


def test_blocking_stream_closed_early(thread_address: str, service: FakeService) -> None:
    closed = []

    def frames() -> Iterator[np.ndarray]:
        try:
            while True:
                yield GREY
        finally:
            closed.append(True)

    with FramewatchClient(thread_address) as client:
        stream = client.stream(frames(), ["a"])
        next(stream)
        stream.close()
        assert closed == [True]
        assert service.ended.wait(10)


def test_blocking_stream_left_open(thread_address: str, service: FakeService) -> None:
    with FramewatchClient(thread_address) as client:
        stream = client.stream(iter([GREY] * 1000), ["a"])
        next(stream)
    stream.close()
    assert service.ended.wait(10)


def test_blocking_errors(thread_address: str) -> None:
    def frames() -> Iterator[np.ndarray]:
        yield GREY
        raise OSError("the camera fell down")

    with FramewatchClient(thread_address) as client, pytest.raises(OSError, match="fell down"):
        list(client.stream(frames(), ["a"]))
    with FramewatchClient("127.0.0.1:1") as client, pytest.raises(ServerUnreachableError):
        list(client.stream([GREY], ["a"]))


def test_a_program_ends_without_closing_the_client(thread_address: str) -> None:
    program = f"""
import numpy as np
from framewatch_client import FramewatchClient

client = FramewatchClient({thread_address!r})
stream = client.stream([np.zeros((8, 8), np.uint8)] * 100, ["a"])
print(next(stream).frame_id)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=120)
    assert (done.stdout, done.stderr, done.returncode) == ("0\n", "", 0)
