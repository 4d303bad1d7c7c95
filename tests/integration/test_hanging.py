"""A server whose decode thread hangs in native code: it shows in health, and the server still ends."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from framewatch.v1 import framewatch_pb2 as pb
from framewatch.v1 import framewatch_pb2_grpc as pb_grpc
from tests.integration.conftest import image, label_set

HANGING = """
import ctypes
from framewatch_server import cli
from framewatch_server.engine import pipeline, scorer

pipeline._END_TIMEOUT_S = 0.2
scorer.prepare_view = lambda *_, **__: ctypes.CDLL(None).pause()
cli.main()
"""
"""A server in which every image makes its decode thread wait in the C library for ever."""

ARGUMENTS = ["--model", "demo", "--listen", "127.0.0.1:0", "--log-format", "json", "--drain-timeout-s", "0.2"]


class Hanging:
    """The server process, and its log so far."""

    def __init__(self) -> None:
        command = [sys.executable, "-c", HANGING, "serve", *ARGUMENTS, "--hang-timeout-s", "0.4"]
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        self.log: list[dict[str, Any]] = []

    def logged(self, event: str) -> dict[str, Any]:
        """Reads the log up to an event that begins with these words."""
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.log.append(json.loads(line))
            if self.log[-1]["event"].startswith(event):
                return self.log[-1]
        raise AssertionError(self.log)


@pytest.fixture
def server() -> Iterator[Hanging]:
    hanging = Hanging()
    with hanging.process as process:
        yield hanging
        process.kill()


def test_a_decoder_that_hangs_turns_health_off_and_the_server_ends_without_it(server: Hanging) -> None:
    address = server.logged("serving")["address"]
    with grpc.insecure_channel(address) as channel:
        health = health_pb2_grpc.HealthStub(channel)
        assert health.Check(health_pb2.HealthCheckRequest()).status == health_pb2.HealthCheckResponse.SERVING
        request = pb.ClassifyRequest(image=image(), label_set=label_set("a"))
        call = pb_grpc.ZeroShotServiceStub(channel).Classify.future(request)
        while not (hung := server.logged("a thread hangs")["thread"]).startswith("decode-"):
            pass  # on a busy machine the device takes long as well, with the texts
        assert health.Check(health_pb2.HealthCheckRequest()).status == health_pb2.HealthCheckResponse.NOT_SERVING
        server.process.terminate()
        assert call.exception(60).code() in {grpc.StatusCode.CANCELLED, grpc.StatusCode.UNAVAILABLE}
        assert server.logged("threads did not end")["threads"] == [hung]
        assert server.process.wait(60) == 3
    told = [entry for entry in server.log if entry["event"].startswith("a thread hangs") and entry["thread"] == hung]
    assert len(told) == 1
