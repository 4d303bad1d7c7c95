"""Environment that the command line sets up before it imports the server."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from framewatch_server import cli
from framewatch_server.config import ServerConfig
from framewatch_server.rpc.app import Ending

LOADED_LATER = "import sys, framewatch_server.cli; sys.exit('cv2' in sys.modules)"


def test_opencv_refuses_more_pixels_than_the_configuration(monkeypatch: pytest.MonkeyPatch) -> None:
    async def served(_: ServerConfig) -> Ending:
        return Ending.DRAINED

    monkeypatch.setenv("OPENCV_IO_MAX_IMAGE_PIXELS", "1")
    monkeypatch.setattr("framewatch_server.rpc.app.serve", served)
    monkeypatch.setattr(cli, "configure_logs", lambda *_: None)
    cli.serve(ServerConfig(max_image_pixels=123))
    assert os.environ["OPENCV_IO_MAX_IMAGE_PIXELS"] == "123"


def test_opencv_is_not_imported_before_its_limit_is_set() -> None:
    assert subprocess.run([sys.executable, "-c", LOADED_LATER], check=False).returncode == 0
