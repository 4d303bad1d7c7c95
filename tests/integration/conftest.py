"""Real servers: one process for the whole session, and servers inside the test process with settings of their own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack
from typing import Any

import cv2
import grpc
import numpy as np
import numpy.typing as npt
import pytest

from framewatch.v1 import framewatch_pb2 as pb
from framewatch.v1 import framewatch_pb2_grpc as pb_grpc
from framewatch_bench.spawn import ServerProcess
from framewatch_client import FramewatchClient
from framewatch_server.config import ServerConfig
from framewatch_server.rpc.app import ServerApp
from tests.integration.node_tools import NodeTools, built_client


@pytest.fixture(scope="session")
def server() -> Iterator[ServerProcess]:
    """A server process with the demo model, in fp32: its scores then equal the reference's."""
    running = ServerProcess("--model", "demo", "--dtype", "float32")
    with running:
        yield running
        assert running.stop() == 0


@pytest.fixture
def stub(server: ServerProcess) -> Iterator[pb_grpc.ZeroShotServiceStub]:
    """A blocking stub of the session's server."""
    with grpc.insecure_channel(server.address, [("grpc.max_receive_message_length", -1)]) as channel:
        yield pb_grpc.ZeroShotServiceStub(channel)


@pytest.fixture
def client(server: ServerProcess) -> Iterator[FramewatchClient]:
    """A blocking client of the session's server."""
    with FramewatchClient(server.address) as blocking:
        yield blocking


@pytest.fixture(params=["torch", "openvino"])
def engine(request: pytest.FixtureRequest) -> str:
    """Each engine in turn; openvino is skipped where its extra is missing."""
    if request.param == "openvino":
        pytest.importorskip("openvino", reason="the extra openvino is not installed")
    return str(request.param)


@pytest.fixture(scope="session")
def node() -> NodeTools:
    """Node with the Node client installed and built; skips the test where Node is missing."""
    return built_client()


MakeServer = Callable[..., Any]


@pytest.fixture
async def make_server() -> AsyncIterator[MakeServer]:
    """Starts servers in this process: `await make_server(max_streams=1)` returns an asynchronous stub."""
    async with AsyncExitStack() as stack:

        async def make(**settings: Any) -> pb_grpc.ZeroShotServiceAsyncStub:
            if "model" in settings:
                settings["models"] = (settings.pop("model"),)
            config = ServerConfig(
                **{"models": ("demo",), "listen": "127.0.0.1:0", "drain_timeout_s": 5.0, "engine": "torch", **settings}
            )
            app = await stack.enter_async_context(ServerApp(config))
            channel = await stack.enter_async_context(grpc.aio.insecure_channel(app.address))
            stub: pb_grpc.ZeroShotServiceAsyncStub = pb_grpc.ZeroShotServiceStub(channel)
            stub.app = app  # type: ignore[attr-defined]
            return stub

        yield make


def picture(seed: int = 0, width: int = 160, height: int = 120) -> npt.NDArray[np.uint8]:
    """Returns a smooth coloured picture, BGR."""
    noise = np.random.default_rng(seed).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    return np.asarray(cv2.resize(noise, (width, height), interpolation=cv2.INTER_CUBIC), dtype=np.uint8)


def jpeg(seed: int = 0, width: int = 160, height: int = 120) -> bytes:
    """Returns the picture as a JPEG file."""
    return encode(picture(seed, width, height), ".jpg")


def encode(pixels: npt.NDArray[Any], extension: str) -> bytes:
    """Returns a picture as the bytes of a file."""
    ok, data = cv2.imencode(extension, pixels)
    assert ok
    return data.tobytes()


def image(data: bytes | None = None) -> pb.Image:
    """Returns an encoded image; a small JPEG by default."""
    return pb.Image(encoded=jpeg() if data is None else data)


def label_set(*names: str) -> pb.LabelSet:
    """Returns labels by name."""
    return pb.LabelSet(labels=[pb.Label(name=name) for name in names])
