"""Warnings about a stream's configs: reported once, and never an item of the stream."""

from __future__ import annotations

import logging

import grpc
import numpy as np
import pytest

from framewatch.v1 import framewatch_pb2 as pb
from framewatch_client import AsyncFramewatchClient, Frame, FrameResult, Reconfigure, RequestWarning
from framewatch_client._warnings import WarningReporter
from tests.unit.framewatch_client.fake_server import FakeService, LossyService, fault, start

GREY = np.full((8, 8), 128, dtype=np.uint8)
A, B = RequestWarning("TEXT_TRUNCATED", "a", ""), RequestWarning("TEXT_TRUNCATED", "b", "")


@pytest.mark.parametrize(
    ("configs", "expected"),
    [
        ([(1, [A, B])], [A, B]),
        ([(1, [A]), (1, [A])], [A]),
        ([(1, [A]), (2, [A])], [A]),
        ([(1, [A]), (2, [A, B])], [A, B]),
        ([(1, [A]), (2, [B]), (1, [A]), (2, [B])], [A, B]),
        ([(1, [A]), (2, [B]), (3, [A])], [A, B, A]),
        ([(1, [A]), (3, [A])], [A, A]),
        ([(1, [A]), (3, [A]), (1, [A]), (3, [A])], [A, A]),
    ],
    ids=[
        "one config",
        "sent again",
        "the next has the same",
        "the next has one more",
        "two sent again",
        "back again",
        "one without any lay between",
        "one without any lay between, and all are sent again",
    ],
)
def test_each_is_reported_once(configs: list[tuple[int, list[RequestWarning]]], expected: list[RequestWarning]) -> None:
    reported: list[RequestWarning] = []
    warnings = WarningReporter(reported.append)
    for version, found in configs:
        warnings.take(version, found)
    assert reported == expected


async def test_a_stream_reports_and_goes_on(address: str, service: FakeService) -> None:
    service.warnings = [pb.Warning(reason="TEXT_TRUNCATED", message="a")]
    reported: list[RequestWarning] = []
    frames = [Frame(GREY), Reconfigure(["c", "d"]), Frame(GREY)]
    async with AsyncFramewatchClient(address) as client:
        items = [item async for item in client.stream(frames, ["a", "b"], on_warning=reported.append)]
    assert [type(item) for item in items] == [FrameResult, FrameResult]
    assert reported == [A]


async def test_it_is_logged_by_default(address: str, service: FakeService, caplog: pytest.LogCaptureFixture) -> None:
    service.warnings = [pb.Warning(reason="TEXT_TRUNCATED", message="too long", field="box")]
    caplog.set_level(logging.WARNING, "framewatch_client")  # other tests' libraries may have changed the root's
    async with AsyncFramewatchClient(address) as client:
        async for _ in client.stream([GREY], ["a", "b"]):
            pass
    assert caplog.record_tuples == [("framewatch_client", logging.WARNING, "too long (box) [TEXT_TRUNCATED]")]


async def test_a_connection_that_comes_back_does_not_warn_again() -> None:
    service = LossyService()
    service.warnings = [pb.Warning(reason="TEXT_TRUNCATED", message="a")]
    service.losses = [(1, fault(grpc.StatusCode.UNAVAILABLE, "SERVER_DRAINING", "the server is draining"))]
    reported: list[RequestWarning] = []
    server, address = await start(service)
    async with AsyncFramewatchClient(address) as client:
        items = [item async for item in client.stream([GREY] * 3, ["a", "b"], on_warning=reported.append)]
    await server.stop(None)
    assert len(items) == 3
    assert len(service.calls_of_frames) == 2
    assert reported == [A]
