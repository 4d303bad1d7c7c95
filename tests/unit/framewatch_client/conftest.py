"""A fake server on a free loopback port, and pictures to send to it."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from anyio.from_thread import start_blocking_portal

from tests.unit.framewatch_client.fake_server import FakeService, start


@pytest.fixture
def service() -> FakeService:
    return FakeService()


@pytest.fixture
async def address(service: FakeService) -> AsyncIterator[str]:
    """Address of the fake server, in the test's own event loop."""
    server, address = await start(service)
    yield address
    await server.stop(None)


@pytest.fixture
def thread_address(service: FakeService) -> Iterator[str]:
    """Address of the fake server, in a thread of its own: for blocking tests."""
    with start_blocking_portal() as portal:
        server, address = portal.call(start, service)
        yield address
        portal.call(server.stop, None)


@pytest.fixture(autouse=True)
def no_threads_left() -> Iterator[None]:
    """Fails if a thread of the client outlives its test."""
    yield
    assert [thread.name for thread in threading.enumerate() if thread.name.startswith("framewatch-")] == []


@pytest.fixture(scope="session")
def picture() -> np.ndarray:
    """A smooth BGR picture, 48×64."""
    rows, columns = np.mgrid[0:48, 0:64]
    return np.stack([rows * 5, columns * 4, (rows + columns) * 2], axis=-1).astype(np.uint8)


@pytest.fixture
def picture_file(picture: np.ndarray, tmp_path: Path) -> Path:
    path = tmp_path / "picture.png"
    cv2.imwrite(str(path), picture)
    return path


@pytest.fixture
def make_video(tmp_path: Path) -> Callable[..., Path]:
    """Writes a video whose frames are grey, each a bit brighter than the one before it."""

    def make(frame_count: int, fps: float, name: str = "video.avi") -> Path:
        path = tmp_path / name
        writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), fps, (64, 48))
        assert writer.isOpened()
        for index in range(frame_count):
            writer.write(np.full((48, 64, 3), index * 4 % 256, dtype=np.uint8))
        writer.release()
        return path

    return make
